# What the tests of Redis 7.0 have to know of a server of 7.2 that forks nothing.

# Small lists, and small sets of texts, are listpacks.
rename assert_encoding assert_encoding_of_7.0
proc assert_encoding {encoding key} {
    if {$encoding in {quicklist hashtable} && [r object encoding $key] eq "listpack"} {
        set encoding listpack
    }
    assert_encoding_of_7.0 $encoding $key
}

# Whoever waits for a child, or ends one, gets a process that does nothing.
proc get_child_pid {index} {
    return [exec sleep 30 &]
}
