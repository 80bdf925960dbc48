;; Sequentially consistent access to 16-bit fields of the imported shared memory, by byte address.
;; Assembled at build; `wasm.ts` beside this file is its only user.
(module
  (import "env" "memory" (memory 1 65536 shared))
  (func (export "load16") (param $address i32) (result i32)
    (i32.atomic.load16_u (local.get $address)))
  (func (export "store16") (param $address i32) (param $value i32)
    (i32.atomic.store16 (local.get $address) (local.get $value)))
  (func (export "fence")
    (atomic.fence)))
