import { readFile } from 'node:fs/promises'

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly resolved?: string
}

/**
 * Optional packages (binaries for the other systems) that somebody asks for and the lockfile does not hold: `npm ci`
 * would fail on Linux, macOS or Windows. npm writes such a lockfile silently when a registry lacks the package.
 */
export async function findLockfileGaps(path = 'package-lock.json'): Promise<string[]> {
  const { packages } = JSON.parse(await readFile(path, 'utf8')) as { packages: Record<string, LockedPackage> }
  const held = Object.keys(packages)
  const asked = Object.values(packages).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
  const missing = asked.filter((name) => !held.some((place) => place.endsWith(`node_modules/${name}`)))
  const pinned = Object.entries(packages).flatMap(([place, { resolved }]) =>
    resolved ? [`${place} names ${resolved}`] : [],
  )
  return [...missing.map((name) => `${name} is missing`), ...pinned]
}
