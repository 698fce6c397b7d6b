/** Runs tasks one at a time, in the order they came. */
export type Queue = <T>(task: () => Promise<T>) => Promise<T>

/** A queue of its own; a task that fails rejects for its caller alone and does not hold up the next. */
export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const turn = last.then(task, task)
    last = turn
    return turn
  }
}
