/** In place of the package `debug`, in the bundle: with DEBUG set it would print the passwords of proxies. */
export default () => () => {}
