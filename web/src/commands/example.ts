/** Commands that show each kind of verdict. */
export const EXAMPLE_COMMANDS = `\
MGET {user:1000}.cart {user:1000}.orders
MSET order:17:items 3 order:17:total 42
MULTI
INCR {order:17}:version
EXPIRE order:18 60
EXEC
PING`
