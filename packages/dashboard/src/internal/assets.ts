export const script = ""
export const style = ""
export const icon = ""
export const version = ""
