// The cluster that is shown when there is no other: three primaries with a replica each, as `redis-cli --cluster create` makes it.
// Kept as the text of CLUSTER NODES, to be read as a pasted one is.

export const EXAMPLE_NODES = `\
07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:7000@17000,alpha.example myself,master - 0 1700000000000 1 connected 0-5460
e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:7001@17001,bravo.example master - 0 1700000000000 2 connected 5461-10922
292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 127.0.0.1:7002@17002,charlie.example master - 0 1700000000000 3 connected 10923-16383
67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:7003@17003,delta.example slave 292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 0 1700000000000 3 connected
824fe116063bc5fcf9f4ffd895bc17aee7731ac3 127.0.0.1:7004@17004,echo.example slave 07c37dfeb235213a872192d90877d0cd55635b91 0 1700000000000 1 connected
6ec23923021cf3ffec47632106199cb7f496ce01 127.0.0.1:7005@17005,foxtrot.example slave e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1700000000000 2 connected
`

/** Keys that show each case of the rule of hash tags, and one twice. */
export const EXAMPLE_KEYS = `\
user:1000
{user:1000}.cart
{user:1000}.orders
session:9f2c41
order:{2024-11}:17
order:{2024-11}:18
foo{}{bar}
foo{{bar}}zap
product:espresso
product:flat-white
queue:emails
user:1000
café:☕`
