const PARENT_CHECK_MS = 250

/** A signal that aborts when this process is asked to end: by Ctrl-C or another signal, or as npm is gone. */
export function createInterruption(): AbortSignal {
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort())
  // npm passes a signal on only to the shell between it and us, and that shell just dies.
  if (process.env.npm_lifecycle_event) {
    const parent = process.ppid
    setInterval(() => process.ppid !== parent && interrupted.abort(), PARENT_CHECK_MS).unref()
  }
  return interrupted.signal
}

/** Resolves when the signal aborts, at once if it has. */
export function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
