/** Section and import kinds, and limits flags of the binary format (WebAssembly core specification 2.0, 5.3, 5.5). */
const importSection = 2
const kinds = { function: 0, table: 1, memory: 2, global: 3, tag: 4 }
const limits = { hasMaximum: 1, shared: 2 }

/**
 * A copy of the WebAssembly binary `wasm` whose imported memory is not shared: one bit differs. Atomic instructions
 * stay valid on unshared memory. Throws if the binary imports no shared memory with a maximum, exactly one.
 */
export function clearSharedMemory(wasm: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(wasm)
  let at = 8
  let cleared = 0
  const readByte = () => bytes[at++] ?? 0
  const readNumber = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = readByte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  const skipName = () => {
    const length = readNumber()
    at += length
  }
  const skipLimits = () => {
    const flags = readByte()
    readNumber()
    if (flags & limits.hasMaximum) readNumber()
    return flags
  }
  const visitImport = () => {
    skipName()
    skipName()
    const kind = readByte()
    if (kind === kinds.function) readNumber()
    else if (kind === kinds.global) at += 2
    else if (kind === kinds.table || kind === kinds.memory) {
      if (kind === kinds.table) at += 1
      const flagsAt = at
      const flags = skipLimits()
      if (kind === kinds.memory && flags === (limits.hasMaximum | limits.shared)) {
        bytes[flagsAt] = limits.hasMaximum
        cleared += 1
      }
    } else {
      at += 1
      readNumber()
    }
  }
  while (at < bytes.length) {
    const section = readByte()
    const length = readNumber()
    const end = at + length
    if (section === importSection) {
      for (let left = readNumber(); left > 0; left -= 1) visitImport()
    }
    at = end
  }
  if (cleared !== 1) throw new Error(`expected one shared memory among the imports, found ${cleared}`)
  return bytes
}
