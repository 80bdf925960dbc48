;; One batch of bounces of a word in the imported shared memory. Assembled at build; `calibration.ts` beside this file
;; is its only user. In Wasm, because a look is one instruction there: JavaScript's Atomics are calls of the engine,
;; and take longer than the word's way does.
(module
  (import "env" "memory" (memory 1 65536 shared))
  ;; The serving side (1) plays the ball and waits for its return, the other (0) waits for it and returns it. The
  ;; result is what is left of `looks`; 0: the other side did not answer within them.
  (func (export "bounce")
    (param $ball i32) (param $serving i32) (param $bounces i32) (param $looks i32) (result i32)
    (local $awaited i32)
    (local.set $awaited (select (i32.const 2) (i32.const 1) (local.get $serving)))
    (block $out
      (loop $bounce
        (br_if $out (i32.eqz (local.get $bounces)))
        (local.set $bounces (i32.sub (local.get $bounces) (i32.const 1)))
        (if (local.get $serving) (then (i32.atomic.store (local.get $ball) (i32.const 1))))
        (block $seen
          (loop $look
            (br_if $seen (i32.eq (i32.atomic.load (local.get $ball)) (local.get $awaited)))
            (local.set $looks (i32.sub (local.get $looks) (i32.const 1)))
            (br_if $look (local.get $looks)))
          (br $out))
        (if (i32.eqz (local.get $serving)) (then (i32.atomic.store (local.get $ball) (i32.const 2))))
        (br $bounce)))
    (local.get $looks)))
