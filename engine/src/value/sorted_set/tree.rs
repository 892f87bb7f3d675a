//! The order of a big sorted set: a sequence of items that is split, counted and searched as a B+tree.
//!
//! ```text
//!   inner    | 1200 from (0, a) | 950 from (7, k) | ...            items below each child, and the first of them
//!                 |                   |
//!   leaf     | (0, a) (0, b) (1, f) ... |  | (7, k) ... |          score and member
//! ```
//!
//! Ranks are the only addresses: an item is put in at a rank and taken out at a rank, and whoever looks for a score or a member
//! asks how many items lie before it ([`Tree::partition`]). So the tree knows no order; keeping it is up to its owner.
//!
//! A leaf and an inner node fill a KiB each. One that overflows is split in halves, but for one that grows at its end, as with
//! scores that are times: it stays full. Neighbours that fit into one node with room to spare are joined.
//!
//! Considered instead: the skiplist of Redis, whose nodes take 8 bytes for the score, 8 to go back and 21 on average to go
//! forward, each in an allocation of its own that a search has to visit. Here an item takes 16 bytes in a leaf between half and wholly
//! full, and a search through a million visits four inner nodes and a leaf.

use alloc::boxed::Box;
use arrayvec::ArrayVec;
use core::ops::Range;

use super::member::Member;

/// Items of a leaf.
const LEAF_LEN: usize = 63;
/// Children of an inner node.
const INNER_LEN: usize = 25;

/// A member where its score puts it.
#[derive(Clone)]
pub(super) struct Item {
    /// The score, here too so that a search seldom needs to look at members.
    pub(super) score: f64,
    /// The member.
    pub(super) member: Member,
}

type Leaf = ArrayVec<Item, LEAF_LEN>;
type Inner = ArrayVec<Child, INNER_LEN>;

const _: () = assert!(size_of::<Leaf>() <= 1024 && size_of::<Inner>() <= 1024);

/// A sequence of items.
pub(super) struct Tree {
    root: Node,
    len: usize,
    memory: usize,
}

enum Node {
    Leaf(Box<Leaf>),
    Inner(Box<Inner>),
}

struct Child {
    /// Number of items in it.
    len: usize,
    /// The first of them.
    first: Item,
    node: Node,
}

impl Tree {
    /// Without items.
    pub(super) fn new() -> Self {
        let root = Node::Leaf(Box::default());
        Self { len: 0, memory: root.size(), root }
    }

    /// Number of items.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes asked of the allocator, for nodes only.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// How many items `is_before` holds for, if it holds for none that follows one that it does not hold for.
    pub(super) fn partition(&self, is_before: impl Fn(&Item) -> bool) -> usize {
        let (mut node, mut rank) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(items) => return rank + items.partition_point(&is_before),
                Node::Inner(children) => {
                    let index = children.partition_point(|child| is_before(&child.first)).saturating_sub(1);
                    rank += children[..index].iter().map(|child| child.len).sum::<usize>();
                    node = &children[index].node;
                }
            }
        }
    }

    /// Puts `item` in so that `rank` items lie before it.
    pub(super) fn insert(&mut self, rank: usize, item: Item) {
        assert!(rank <= self.len, "an item lies among the others");
        self.len += 1;
        if let Some(right) = self.root.insert(rank, item, &mut self.memory) {
            let left = core::mem::replace(&mut self.root, Node::Leaf(Box::default()));
            self.root = Node::Inner(Box::new([Child::of(left), right].into_iter().collect()));
            self.memory += self.root.size();
        }
    }

    /// Takes out the item that `rank` items lie before.
    pub(super) fn remove(&mut self, rank: usize) -> Item {
        assert!(rank < self.len, "only what is there is taken out");
        self.len -= 1;
        let item = self.root.remove(rank, &mut self.memory);
        while let Some(node) = self.root.take_only_child() {
            self.memory -= core::mem::replace(&mut self.root, node).size();
        }
        item
    }

    /// The items of these ranks, all of which there must be.
    pub(super) fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        assert!(ranks.end <= self.len, "only what is there is visited");
        Iter { tree: self, ranks, front: &[], back: &[] }
    }

    /// The leaf with the item of `rank`, and where in it that is.
    fn leaf_of(&self, mut rank: usize) -> (&[Item], usize) {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(items) => return (items, rank),
                Node::Inner(children) => {
                    let (index, within) = child_with(children, rank, Side::Right);
                    (node, rank) = (&children[index].node, within);
                }
            }
        }
    }
}

impl Node {
    /// Puts an item in. What it has no room for becomes a node to the right of it.
    fn insert(&mut self, rank: usize, item: Item, memory: &mut usize) -> Option<Child> {
        let right = match self {
            Node::Leaf(items) => insert_or_split(items, rank, item).map(Node::Leaf),
            Node::Inner(children) => {
                let (index, within) = child_with(children, rank, Side::Left);
                let right = children[index].insert(within, item, memory)?;
                insert_or_split(children, index + 1, right).map(Node::Inner)
            }
        }?;
        *memory += right.size();
        Some(Child::of(right))
    }

    fn remove(&mut self, rank: usize, memory: &mut usize) -> Item {
        match self {
            Node::Leaf(items) => items.remove(rank),
            Node::Inner(children) => {
                let (index, within) = child_with(children, rank, Side::Right);
                let item = children[index].remove(within, memory);
                if children[index].len == 0 {
                    *memory -= children.remove(index).node.size();
                } else {
                    join_neighbours(children, index, memory);
                }
                item
            }
        }
    }

    /// The child of an inner node that has no other.
    fn take_only_child(&mut self) -> Option<Node> {
        match self {
            Node::Inner(children) if children.len() == 1 => children.pop().map(|child| child.node),
            Node::Inner(_) | Node::Leaf(_) => None,
        }
    }

    fn first(&self) -> &Item {
        match self {
            Node::Leaf(items) => &items[0],
            Node::Inner(children) => &children[0].first,
        }
    }

    fn len(&self) -> usize {
        match self {
            Node::Leaf(items) => items.len(),
            Node::Inner(children) => children.iter().map(|child| child.len).sum(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Node::Leaf(_) => size_of::<Leaf>(),
            Node::Inner(_) => size_of::<Inner>(),
        }
    }
}

impl Child {
    fn of(node: Node) -> Self {
        Self { len: node.len(), first: node.first().clone(), node }
    }

    fn insert(&mut self, rank: usize, item: Item, memory: &mut usize) -> Option<Child> {
        let right = self.node.insert(rank, item, memory);
        self.len += 1;
        self.len -= right.as_ref().map_or(0, |right| right.len);
        if rank == 0 {
            self.first = self.node.first().clone();
        }
        right
    }

    fn remove(&mut self, rank: usize, memory: &mut usize) -> Item {
        let item = self.node.remove(rank, memory);
        self.len -= 1;
        if rank == 0 && self.len > 0 {
            self.first = self.node.first().clone();
        }
        item
    }

    /// Takes the items of its right neighbour, if both fit into one node with a quarter of it to spare: half of a split node
    /// must go before it is joined again.
    fn join(&mut self, right: &mut Child) -> bool {
        let joined = match (&mut self.node, &mut right.node) {
            (Node::Leaf(left), Node::Leaf(right)) => join(left, right),
            (Node::Inner(left), Node::Inner(right)) => join(left, right),
            (Node::Leaf(_), Node::Inner(_)) | (Node::Inner(_), Node::Leaf(_)) => {
                unreachable!("all leaves lie at the same depth")
            }
        };
        if joined {
            self.len += right.len;
        }
        joined
    }
}

/// To which of two neighbours the place between them belongs.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// The child with the place in front of which there are `rank` items, and how many of them are in that child.
fn child_with(children: &Inner, mut rank: usize, side: Side) -> (usize, usize) {
    for (index, child) in children.iter().enumerate() {
        match side {
            Side::Left if rank <= child.len => return (index, rank),
            Side::Right if rank < child.len => return (index, rank),
            Side::Left | Side::Right => rank -= child.len,
        }
    }
    unreachable!("ranks are checked before the tree is entered")
}

/// Inserts, if there is room; otherwise the items behind the middle are given back apart. What is added at the end goes apart alone.
fn insert_or_split<T, const N: usize>(
    items: &mut ArrayVec<T, N>,
    at: usize,
    item: T,
) -> Option<Box<ArrayVec<T, N>>> {
    if !items.is_full() {
        items.insert(at, item);
        return None;
    }
    let middle = if at == N { N } else { N / 2 };
    let mut right: Box<ArrayVec<T, N>> = Box::default();
    right.extend(items.drain(middle..));
    if at <= middle && at < N {
        items.insert(at, item);
    } else {
        right.insert(at - middle, item);
    }
    Some(right)
}

/// Moves the items of `right` behind those of `left`, if that leaves a quarter of the room.
fn join<T, const N: usize>(left: &mut ArrayVec<T, N>, right: &mut ArrayVec<T, N>) -> bool {
    let fits = left.len() + right.len() <= N * 3 / 4;
    if fits {
        left.extend(right.drain(..));
    }
    fits
}

/// Joins the child at `index`, which has lost an item, with one of its neighbours if they fit together.
fn join_neighbours(children: &mut Inner, index: usize, memory: &mut usize) {
    for right in [index + 1, index] {
        if let Some([left_child, right_child]) =
            right.checked_sub(1).and_then(|left| children.get_mut(left..=right))
            && left_child.join(right_child)
        {
            *memory -= children.remove(right).node.size();
            return;
        }
    }
}

/// Items in order, from either end.
#[derive(Clone)]
pub(super) struct Iter<'a> {
    tree: &'a Tree,
    /// Ranks of what is left.
    ranks: Range<usize>,
    /// The next items, as far as they are in one leaf; perhaps none.
    front: &'a [Item],
    /// The last items, as far as they are in one leaf; perhaps none.
    back: &'a [Item],
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Item;

    fn next(&mut self) -> Option<&'a Item> {
        let rank = self.ranks.next()?;
        if self.front.is_empty() {
            let (leaf, at) = self.tree.leaf_of(rank);
            self.front = &leaf[at..];
        }
        self.front.split_off_first()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    fn next_back(&mut self) -> Option<&'a Item> {
        let rank = self.ranks.next_back()?;
        if self.back.is_empty() {
            let (leaf, at) = self.tree.leaf_of(rank);
            self.back = &leaf[..=at];
        }
        self.back.split_off_last()
    }
}

impl ExactSizeIterator for Iter<'_> {}
