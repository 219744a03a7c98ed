declare module "proxy-from-env" {
  /** The proxy that the environment sets for a URL, or an empty text. */
  export const getProxyForUrl: (url: string) => string
}
