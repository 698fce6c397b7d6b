import { describe, expect, it } from 'vitest'
import { splitUrl } from '../src/host.ts'

describe('the host and path of a URL', () => {
  it.each([
    ['https://i.example.com/a.png?w=1#x', 'i.example.com', '/a.png'],
    ['http://i.example.com.:8787/', 'i.example.com', '/'],
    ['http://[::1]:8787/health', '[::1]', '/health'],
    ['http://localhost', 'localhost', '/'],
    ['http://localhost:8787?a=/b', 'localhost', '/'],
    ['https://a.example/%2e%2e//x/', 'a.example', '/%2e%2e//x/'],
  ])('of %s are %s and %s', (url, host, path) => {
    expect(splitUrl(url)).toEqual({ host, path })
  })
})
