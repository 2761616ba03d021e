"""Code that cannot lie: it does nothing but compute, which is seen by reading it.

A second run (integrity.py) shows that points were for the answers, and costs as much as the first.
It is there for code that reaches what tests rely on: modules, frames, the kernel, objects of its
own kinds. Code that is written with nothing but the words below reaches none of that: it binds
names, and computes with numbers, texts, lists, arrays and tensors. What it could still do is give
values that pass any test (an empty array equals everything), so its tests are asked again too, but
at the end of the same run: all cells once more, in names of their own (zygote_watch.again).

A word that is not here is no accusation, it costs time: such a notebook has its second run. So
when in doubt a word stays out. Out are, on purpose: attributes that are set, classes, decorators,
imports that the author does not have, `global`, `del`, `try` (it could keep the clock from ending
it), everything with chance in it (it would differ between the two times), and whatever takes a
name, a format or a file as text.
"""

import ast
import builtins
from collections.abc import Iterable, Mapping

MOST_LETTERS = 20_000  # in a cell: reading more is not worth it
BUILTINS = set(
    "abs all any bool complex dict divmod enumerate filter float frozenset int isinstance len list "
    "map max min pow print range reversed round set slice sorted str sum tuple zip "
    "ArithmeticError AssertionError Exception IndexError KeyError TypeError ValueError "
    "ZeroDivisionError NotImplementedError".split()
)
_OF_THE_SHELL = {"In", "Out", "get_ipython", "exit", "quit", "display"}
_FORBIDDEN = (set(dir(builtins)) - BUILTINS) | _OF_THE_SHELL
MODULES = set("cmath collections fractions itertools math numpy statistics string torch".split())
_TEXTS_AND_LISTS = """
    add append capitalize casefold clear copy count difference discard endswith extend find get
    index insert intersection isalnum isalpha isdigit isdisjoint islower isnumeric isspace issubset
    issuperset isupper items join keys lower lstrip partition pop remove replace reverse rpartition
    rsplit rstrip setdefault sort split splitlines startswith strip swapcase symmetric_difference
    title union update upper values zfill
"""
_NUMBERS = """
    T absolute all allclose amax amin angle any arange arccos arcsin arctan arctan2 argmax argmin
    argsort argwhere around array array_equal asarray astype atleast_1d atleast_2d average bincount
    bitwise_and bitwise_or bool_ broadcast_to cbrt ceil clip column_stack comb concatenate conj
    convolve corrcoef cos cosh cov cross cumprod cumsum deg2rad degrees det diag diagonal diff
    digitize dist divide dot e eig eigh eigvals einsum  equal exp exp2 expand_dims expm1
    eye fabs factorial fill flatten flip float32 float64 floor fmod full full_like gamma gcd
    gradient greater greater_equal histogram hstack hypot identity imag inf inner int32 int64
    interp inv isclose isfinite isin isinf isnan isqrt lcm less less_equal linalg linspace log
    log10 log1p log2 logaddexp logical_and logical_not logical_or logspace lstsq matmul matrix_power
    max maximum mean median meshgrid min minimum mod moveaxis multiply nan nan_to_num nanmax
    nanmean nanmin nanstd nansum ndim negative newaxis nonzero norm not_equal ones ones_like outer
    pad percentile pi pinv poly polyfit polyval power prod ptp qr quantile radians ravel real
    reciprocal repeat reshape resize roll round rot90 sign sin sinh size solve sqrt square squeeze
    stack std subtract sum svd swapaxes take tan tanh tau tile tolist trace transpose trapezoid tri
    tril triu trunc unique unravel_index vander var vstack where zeros zeros_like shape dtype
"""
_TENSORS = """
    abs argmax autograd backward bmm cat chunk clone cross_entropy cuda cpu detach device double
    einsum expand flatten float functional gather grad half item is_available leaky_relu linear
    log_softmax logsumexp long masked_fill mse_loss mm mv nll_loss nn no_grad numel numpy one_hot
    permute relu relu_ requires_grad requires_grad_ scatter sigmoid softmax softplus split sub_
    tensor to topk type unfold unsqueeze view zero_
"""
ATTRIBUTES = set(f"{_TEXTS_AND_LISTS} {_NUMBERS} {_TENSORS}".split())

_STATEMENTS = (
    *(ast.FunctionDef, ast.Return, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.While),
    *(ast.If, ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.Assert, ast.Raise),
)
_EXPRESSIONS = (
    *(ast.BoolOp, ast.NamedExpr, ast.BinOp, ast.UnaryOp, ast.Lambda, ast.IfExp, ast.Dict, ast.Set),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Compare, ast.Call),
    *(ast.JoinedStr, ast.FormattedValue, ast.Constant, ast.Subscript, ast.Starred, ast.List),
    *(ast.Tuple, ast.Slice),
)
_PARTS = (
    *(ast.Module, ast.arguments, ast.keyword, ast.comprehension, ast.expr_context),
    *(ast.operator, ast.unaryop, ast.cmpop, ast.boolop),
)


class Author:
    """What an author's notebook brings into the names that students' code works with."""

    def __init__(self, sources: Iterable[str]):
        """`sources`: the texts of its code cells, solutions and hidden tests included."""
        self._trees = {text: parsed(text) for text in sources}
        nodes = [node for tree in self._trees.values() if tree for node in ast.walk(tree)]
        imported = [_imports(n) for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
        self.imports: set[tuple] = set().union(*imported)
        self.modules = {name for name in map(_bound, self.imports) if name}

    def wrote(self, source: str) -> bool:
        """Whether a cell is the author's, word for word."""
        return source in self._trees

    def allows(self, sources: Iterable[str], trees: list[ast.Module]) -> bool:
        """Whether `trees` do nothing but compute, beside cells of the author's own."""
        hidden, own = set(_FORBIDDEN), []
        for source in sources:
            tree = self._trees[source]
            if tree is None and not is_inert(source):
                return False  # a magic: it may bring any name
            for node in tree.body if tree else ():
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = {alias or name.partition(".")[0] for *_, name, alias in _imports(node)}
                    if "*" in names:
                        return False
                    hidden |= names - self.modules
                else:
                    own.append(node)
        # The author's functions may be called if they do no more than a student's may, nor call
        # one that does.
        plain = [node for node in own if isinstance(node, ast.FunctionDef | ast.Assign)]
        hidden |= set().union(*(bound_by(node) for node in own if node not in plain))
        while more := [node for node in plain if not self._computes([node], hidden)]:
            hidden |= set().union(*map(bound_by, more))
            plain = [node for node in plain if node not in more]
        return self._computes(trees, hidden)

    def _computes(self, nodes: list[ast.AST], hidden: set[str]) -> bool:
        own = set().union(*map(bound_by, nodes))
        if own & (set(dir(builtins)) | _OF_THE_SHELL | self.modules):
            return False
        return all(self._allows_one(each, hidden) for node in nodes for each in ast.walk(node))

    def _allows_one(self, node: ast.AST, hidden: set[str]) -> bool:
        if isinstance(node, ast.Name):  # one that nobody binds is an error, which is plain too
            if node.id.startswith("_"):
                return node.id == "_" and isinstance(node.ctx, ast.Store)  # for _ in range(3)
            return node.id not in hidden and not isinstance(node.ctx, ast.Del)
        if isinstance(node, ast.Attribute):
            return isinstance(node.ctx, ast.Load) and node.attr in ATTRIBUTES
        if isinstance(node, ast.Import | ast.ImportFrom):
            return _imports(node) <= self.imports and all(map(_bound, _imports(node)))
        if isinstance(node, ast.FunctionDef):
            return not (node.decorator_list or node.name.startswith("_"))
        if isinstance(node, ast.With):
            return all(_is_no_grad(item) for item in node.items)
        if isinstance(node, ast.arg | ast.alias | ast.withitem):
            return True  # seen with what they belong to
        return isinstance(node, (*_STATEMENTS, *_EXPRESSIONS, *_PARTS))


def _imports(node: ast.Import | ast.ImportFrom) -> set[tuple]:
    module = node.module if isinstance(node, ast.ImportFrom) else None
    level = node.level if isinstance(node, ast.ImportFrom) else 0
    return {(level, module, alias.name, alias.asname) for alias in node.names}


def _bound(imported: tuple) -> str:
    """Return the name that an import binds; "" for one that brings more than plain words."""
    level, module, name, alias = imported
    plain = (module or name).partition(".")[0] in MODULES
    if level or not plain or (module is not None and name not in ATTRIBUTES):
        return ""
    return alias or name.partition(".")[0]


def _is_no_grad(item: ast.withitem) -> bool:
    call = item.context_expr
    return (
        item.optional_vars is None
        and isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "no_grad"
    )


def bound_by(node: ast.AST) -> set[str]:
    """Return the names that code binds, in functions too, but for those of imports."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found.add(each.id)
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(each.name)
        elif isinstance(each, ast.arg):
            found.add(each.arg)
    return found


def parsed(source: str) -> ast.Module | None:
    """Return what Python makes of a cell; None for what only IPython understands, or nobody."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_plain(cells: Iterable[Mapping], author: Author) -> bool:
    """Whether the code cells of a notebook cannot lie; those that the author wrote can do all."""
    theirs, trees = [], []
    for cell in cells:
        source = cell["source"]
        if cell["metadata"].get("tags") or len(source) > MOST_LETTERS:
            return False  # tags may say not to run it
        if author.wrote(source):
            theirs.append(source)
        elif not is_inert(source):
            tree = parsed(source)
            if tree is None:
                return False  # perhaps IPython understands it
            if _is_one_line(source) and tree.body and isinstance(tree.body[0], ast.Expr):
                return False  # a word alone may be a magic: `history`
            trees.append(tree)
    return author.allows(theirs, trees)


def is_inert(source: str) -> bool:
    """Whether neither Python nor IPython understands a cell, which is an error and no more.

    IPython reads a cell of one line in ways of its own, takes indentation and prompts away, and
    knows some marks (https://ipython.readthedocs.io/en/stable/interactive/reference.html).
    """
    if parsed(source) is not None or _is_one_line(source) or source[:1].isspace():
        return False
    starts = tuple(line.lstrip()[:1] for line in source.splitlines())
    marks = any(mark in source for mark in "%!?") or any(
        start in "/,;>." for start in starts if start
    )
    return not (marks or "await" in source or "async" in source or "In [" in source)


def _is_one_line(source: str) -> bool:
    return len(source.strip().splitlines()) <= 1


def can_be_asked_again(sources: Iterable[str], tests: Iterable[str]) -> bool:
    """Whether plain Python does for a notebook's cells, the author's too, what IPython would.

    Not for magics, `await`, what asks for the session, and tests that end with a value: it could
    be points.
    """
    for source in sources:
        tree = parsed(source)
        if tree is None and not is_inert(source):
            return False
        if tree and any(map(_is_ipythons, ast.walk(tree))):
            return False
    ends = [tree.body[-1] for test in tests if (tree := parsed(test)) and tree.body]
    return not any(isinstance(end, ast.Expr) and not _asserts(end.value) for end in ends)


def _is_ipythons(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        of_history = node.id.startswith("_") and not node.id.startswith("__")
        return node.id in _OF_THE_SHELL or (of_history and isinstance(node.ctx, ast.Load))
    return isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)


def _asserts(value: ast.expr) -> bool:
    call = value.func if isinstance(value, ast.Call) else None
    return getattr(call, "attr", getattr(call, "id", "")).startswith("assert")
