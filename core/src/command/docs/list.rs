//! Lists.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs(
        "blmove",
        "Pops an element from a list, pushes it to another list and returns it. Blocks until an \
         element is available otherwise. Deletes the list if the last element was moved.",
    )
    .complexity("O(1)")
    .arguments(&[
        key("source", 0),
        key("destination", 1),
        one_of("wherefrom", &[word("left", "LEFT"), word("right", "RIGHT")]),
        one_of("whereto", &[word("left", "LEFT"), word("right", "RIGHT")]),
        double("timeout"),
    ]),
    docs(
        "blmpop",
        "Pops the first element from one of multiple lists. Blocks until an element is available \
         otherwise. Deletes the list if the last element was popped.",
    )
    .complexity("O(N+M) where N is the number of provided keys and M is the number of elements returned.")
    .arguments(&[
        double("timeout"),
        integer("numkeys"),
        key("key", 0).multiple(),
        one_of("where", &[word("left", "LEFT"), word("right", "RIGHT")]),
        integer("count").token("COUNT").optional(),
    ]),
    docs(
        "blpop",
        "Removes and returns the first element in a list. Blocks until an element is available \
         otherwise. Deletes the list if the last element was popped.",
    )
    .complexity("O(N) where N is the number of provided keys.")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")])
    .arguments(&[key("key", 0).multiple(), double("timeout")]),
    docs(
        "brpop",
        "Removes and returns the last element in a list. Blocks until an element is available \
         otherwise. Deletes the list if the last element was popped.",
    )
    .complexity("O(N) where N is the number of provided keys.")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")])
    .arguments(&[key("key", 0).multiple(), double("timeout")]),
    docs(
        "brpoplpush",
        "Pops an element from a list, pushes it to another list and returns it. Block until an \
         element is available otherwise. Deletes the list if the last element was popped.",
    )
    .complexity("O(1)")
    .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")])
    .arguments(&[key("source", 0), key("destination", 1), double("timeout")]),
    docs("lindex", "Returns an element from a list by its index.")
        .complexity(
            "O(N) where N is the number of elements to traverse to get to the element at index. This \
             makes asking for the first or the last element of the list O(1).",
        )
        .arguments(&[key("key", 0), integer("index")]),
    docs("linsert", "Inserts an element before or after another element in a list.")
        .complexity(
            "O(N) where N is the number of elements to traverse before seeing the value pivot. This \
             means that inserting somewhere on the left end on the list (head) can be considered O(1) \
             and inserting somewhere on the right end (tail) is O(N).",
        )
        .arguments(&[
            key("key", 0),
            one_of("where", &[word("before", "BEFORE"), word("after", "AFTER")]),
            string("pivot"),
            string("element"),
        ]),
    docs("llen", "Returns the length of a list.").complexity("O(1)").arguments(&[key("key", 0)]),
    docs(
        "lmove",
        "Returns an element after popping it from one list and pushing it to another. Deletes the \
         list if the last element was moved.",
    )
    .complexity("O(1)")
    .arguments(&[
        key("source", 0),
        key("destination", 1),
        one_of("wherefrom", &[word("left", "LEFT"), word("right", "RIGHT")]),
        one_of("whereto", &[word("left", "LEFT"), word("right", "RIGHT")]),
    ]),
    docs(
        "lmpop",
        "Returns multiple elements from a list after removing them. Deletes the list if the last \
         element was popped.",
    )
    .complexity("O(N+M) where N is the number of provided keys and M is the number of elements returned.")
    .arguments(&[
        integer("numkeys"),
        key("key", 0).multiple(),
        one_of("where", &[word("left", "LEFT"), word("right", "RIGHT")]),
        integer("count").token("COUNT").optional(),
    ]),
    docs(
        "lpop",
        "Returns the first elements in a list after removing it. Deletes the list if the last \
         element was popped.",
    )
    .complexity("O(N) where N is the number of elements returned")
    .history(&[("6.2.0", "Added the `count` argument.")])
    .arguments(&[key("key", 0), integer("count").since("6.2.0").optional()]),
    docs("lpos", "Returns the index of matching elements in a list.")
        .complexity(
            "O(N) where N is the number of elements in the list, for the average case. When searching \
             for elements near the head or the tail of the list, or when the MAXLEN option is \
             provided, the command may run in constant time.",
        )
        .arguments(&[
            key("key", 0),
            string("element"),
            integer("rank").token("RANK").optional(),
            integer("num-matches").token("COUNT").optional(),
            integer("len").token("MAXLEN").optional(),
        ]),
    docs("lpush", "Prepends one or more elements to a list. Creates the key if it doesn't exist.")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command is called with \
             multiple arguments.",
        )
        .history(&[("2.4.0", "Accepts multiple `element` arguments.")])
        .arguments(&[key("key", 0), string("element").multiple()]),
    docs("lpushx", "Prepends one or more elements to a list only when the list exists.")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command is called with \
             multiple arguments.",
        )
        .history(&[("4.0.0", "Accepts multiple `element` arguments.")])
        .arguments(&[key("key", 0), string("element").multiple()]),
    docs("lrange", "Returns a range of elements from a list.")
        .complexity(
            "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest \
             end (HEAD or TAIL) for large lists; and N is the number of elements in the specified \
             range.",
        )
        .arguments(&[key("key", 0), integer("start"), integer("stop")]),
    docs("lrem", "Removes elements from a list. Deletes the list if the last element was removed.")
        .complexity("O(N+M) where N is the length of the list and M is the number of elements removed.")
        .arguments(&[key("key", 0), integer("count"), string("element")]),
    docs("lset", "Sets the value of an element in a list by its index.")
        .complexity(
            "O(N) where N is the length of the list. Setting either the first or the last element of \
             the list is O(1).",
        )
        .arguments(&[key("key", 0), integer("index"), string("element")]),
    docs("ltrim", "Removes elements from both ends a list. Deletes the list if all elements were trimmed.")
        .complexity("O(N) where N is the number of elements to be removed by the operation.")
        .arguments(&[key("key", 0), integer("start"), integer("stop")]),
    docs(
        "rpop",
        "Returns and removes the last elements of a list. Deletes the list if the last element \
         was popped.",
    )
    .complexity("O(N) where N is the number of elements returned")
    .history(&[("6.2.0", "Added the `count` argument.")])
    .arguments(&[key("key", 0), integer("count").since("6.2.0").optional()]),
    docs(
        "rpoplpush",
        "Returns the last element of a list after removing and pushing it to another list. \
         Deletes the list if the last element was popped.",
    )
    .complexity("O(1)")
    .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
    .arguments(&[key("source", 0), key("destination", 1)]),
    docs("rpush", "Appends one or more elements to a list. Creates the key if it doesn't exist.")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command is called with \
             multiple arguments.",
        )
        .history(&[("2.4.0", "Accepts multiple `element` arguments.")])
        .arguments(&[key("key", 0), string("element").multiple()]),
    docs("rpushx", "Appends an element to a list only when the list exists.")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command is called with \
             multiple arguments.",
        )
        .history(&[("4.0.0", "Accepts multiple `element` arguments.")])
        .arguments(&[key("key", 0), string("element").multiple()]),
];
