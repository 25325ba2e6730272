import itertools

from hypothesis import given
from hypothesis import strategies as st

from gradalign.spaces._genotype import Cell
from gradalign.spaces.darts import NODES, OPERATIONS

cells = st.tuples(
    *[
        st.tuples(st.sampled_from(("none", *OPERATIONS)), st.integers(0, node - 1))
        for node in (2, 2, 3, 3, 4, 4, 5, 5)
    ]
).map(lambda edges: Cell(edges, NODES))


def permuted(cell: Cell, order: tuple[int, ...]) -> Cell | None:
    """The cell with its nodes in another order, None where one would precede what it reads."""
    number = {0: 0, 1: 1, **{node: place for place, node in enumerate(order, start=2)}}
    edges = []
    for node in order:
        for operation, source in reversed(cell.pairs[node - 2]):
            if number[source] >= number[node]:
                return None
            edges.append((operation, number[source]))
    return Cell(tuple(edges), cell.concat)


@given(cells)
def test_canonical_does_not_see_the_order_of_nodes_and_edges(cell):
    for order in itertools.permutations(NODES):
        other = permuted(cell, order)
        if other is not None:
            assert other.canonical() == cell.canonical()


@given(cells, st.integers(0, 7), st.sampled_from(OPERATIONS))
def test_canonical_sees_another_operation(cell, position, operation):
    old, source = cell.edges[position]
    edges = (*cell.edges[:position], (operation, source), *cell.edges[position + 1 :])
    assert (Cell(edges, NODES).canonical() == cell.canonical()) == (old == operation)


def test_canonical_by_hand():
    shared = Cell((("skip_connect", 0), ("none", 1)) * 2 + (("dil_conv_3x3", 2),) * 4, NODES)
    apart = Cell(
        (*shared.edges[:4], *(("dil_conv_3x3", 2),) * 2, *(("dil_conv_3x3", 3),) * 2), NODES
    )
    assert shared.canonical() == (
        "none+skip_connect~0*|dil_conv_3x3~2+dil_conv_3x3~2*|dil_conv_3x3~2+dil_conv_3x3~2*"
        "|none+skip_connect~0*"
    )
    assert apart.canonical() != shared.canonical()  # the same expressions, another graph
    unread = Cell((("conv_1x1", 0), ("conv_1x1", 0), ("skip_connect", 1), ("none", 2)), (3,))
    assert unread.canonical() == "none+skip_connect~1*"
