"""The mutants of one module: every place that mutmut's operators change, but for those that do not count.

mutmut itself changes the bodies of functions only, and of none that is decorated: no property, no table of
weights, no default of a dataclass, which is where much of refms says what it computes. So its operators are
taken, and applied to whole modules.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.mutators import mutation_operators

_CHECKS = r"_?require_|precision$"
_TEXT_METHODS = {"__repr__", "__str__"}
_NOT_MUTATED_CALLS = {"len", "isinstance"}
_GENERIC_TYPES = {"tuple", "dict", "list", "Callable", "Mapping", "Sequence", "Union", "Literal"}


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    ``function``: qualified name around the change; ``lines``: first and last of the statement; ``line``: the
    first that changes; ``before``, ``after``: the lines that change, stripped, joined by blanks; ``source``:
    the whole changed module.
    """

    module: str
    function: str
    lines: tuple[int, int]
    line: int
    before: str
    after: str
    source: str


def mutants_of(module: str, source: str) -> list[Mutant]:
    """Return the mutants of a module in the order of its text, each syntax tree once."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    collector = _Collector()
    wrapper.visit(collector)
    original = ast.dump(ast.parse(source))
    seen = {original}
    found = []
    for change in collector.changes:
        changed = _changed_source(wrapper.module, change)
        try:
            tree = ast.dump(ast.parse(changed))
        except SyntaxError:
            continue
        if tree not in seen:
            seen.add(tree)
            line, before, after = _difference(source, changed)
            found.append(Mutant(module, change.function, change.lines, line, before, after, changed))
    return found


@dataclass(frozen=True, eq=False)
class _Change:
    top: cst.CSTNode
    old: cst.CSTNode
    new: cst.CSTNode
    function: str
    lines: tuple[int, int]


class _Collector(cst.CSTVisitor):
    """Walk a module and collect what the operators make of its nodes."""

    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[_Change] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _does_not_count(node):
            return False
        ancestors = list(self._ancestors(node))
        if isinstance(node, cst.BaseString) and len(ancestors) > 2 and _is_check(ancestors[2]):
            return False
        for new in _mutations(node):
            scopes = [a.name.value for a in ancestors if isinstance(a, cst.FunctionDef | cst.ClassDef)]
            top = ancestors[-2] if len(ancestors) > 1 else node
            change = _Change(top, node, new, ".".join(reversed(scopes)), self._lines(node, ancestors))
            self.changes.append(change)
        return True

    def _ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yield the node and all around it, the module last."""
        current: cst.CSTNode | None = node
        while current is not None:
            yield current
            current = self.get_metadata(ParentNodeProvider, current, None)

    def _lines(self, node: cst.CSTNode, ancestors: list[cst.CSTNode]) -> tuple[int, int]:
        """Return the lines of the simple statement, or of the head of the compound one, around a node."""
        for around in ancestors:
            if isinstance(around, cst.SimpleStatementLine):
                place = self.get_metadata(PositionProvider, around)
                return place.start.line, place.end.line
            if isinstance(around, cst.BaseCompoundStatement):
                break
        place = self.get_metadata(PositionProvider, node)
        return place.start.line, place.end.line


def _mutations(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in [*mutation_operators, *_MORE_OPERATORS]:
        if isinstance(node, kind):
            for new in operator(node):
                if not (isinstance(node, cst.Call) and _changes_a_message(node, new)):
                    yield new


# mutmut leaves conditions without an operator, calls made for their effect, and attributes alone.


def _negated(node: cst.If | cst.While) -> Iterable[cst.CSTNode]:
    if isinstance(node.test, cst.Name | cst.Attribute | cst.Call | cst.Subscript):
        # in brackets, for the blank before the condition may be missing
        brackets = {"lpar": [cst.LeftParen()], "rpar": [cst.RightParen()]}
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), node.test, **brackets))


def _left_out(node: cst.Expr) -> Iterable[cst.CSTNode]:
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


def _not_transposed(node: cst.Attribute) -> Iterable[cst.CSTNode]:
    if node.attr.value == "T":
        yield node.value


_MORE_OPERATORS: list[tuple[Any, Any]] = [
    (cst.If, _negated),
    (cst.While, _negated),
    (cst.Expr, _left_out),
    (cst.Attribute, _not_transposed),
]


def _does_not_count(node: cst.CSTNode) -> bool:
    """Whether nothing in this node is mutated."""
    match node:
        case cst.Annotation() | cst.Import() | cst.ImportFrom() | cst.Raise():
            return True
        case cst.FunctionDef():
            return node.name.value in _TEXT_METHODS
        case cst.ClassDef():
            return any(m.matches(base.value, m.Name("Protocol")) for base in node.bases)
        case cst.Call(func=cst.Name(value=name)):
            return name in _NOT_MUTATED_CALLS
        case cst.Expr():
            return isinstance(node.value, cst.BaseString)  # a docstring
        case cst.Assign():
            return _is_declaration(node)
        case cst.BaseString():
            return _is_prose(node)
    return False


def _is_declaration(node: cst.Assign) -> bool:
    """Whether this is ``__all__ = …`` or an alias of a type."""
    if m.matches(node.targets[0].target, m.Name("__all__")):
        return True
    value = node.value
    return isinstance(value, cst.Subscript) and m.matches(
        value.value, m.OneOf(*[m.Name(name) for name in _GENERIC_TYPES])
    )


def _is_prose(node: cst.BaseExpression) -> bool:
    match node:
        case cst.SimpleString():
            return " " in node.value
        case cst.ConcatenatedString():
            return _is_prose(node.left) or _is_prose(node.right)
        case cst.FormattedString():
            texts = [part.value for part in node.parts if isinstance(part, cst.FormattedStringText)]
            return any(" " in text for text in texts)
    return False


def _changes_a_message(node: cst.Call, new: cst.CSTNode) -> bool:
    """Whether the only argument that was changed or dropped is text of a message."""
    if not isinstance(new, cst.Call):
        return False
    kept = {id(argument) for argument in new.args}
    gone = [argument.value for argument in node.args if id(argument) not in kept]
    return len(gone) == 1 and (
        _is_prose(gone[0]) or (_is_check(node) and isinstance(gone[0], cst.BaseString))
    )


def _is_check(node: cst.CSTNode) -> bool:
    """Whether this calls a check, whose strings name its argument in its message."""
    return (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Name)
        and bool(re.match(_CHECKS, node.func.value))
    )


def _changed_source(module: cst.Module, change: _Change) -> str:
    """Return the module with one node replaced; only the statement around it is rebuilt."""
    top = change.new if change.top is change.old else change.top.deep_replace(change.old, change.new)
    return module.with_changes(body=[top if each is change.top else each for each in module.body]).code


def _difference(source: str, changed: str) -> tuple[int, str, str]:
    """Return the number of the first line that differs, and the lines that do in both texts."""
    old, new = source.splitlines(), changed.splitlines()
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    parts = [(old[i:j], new[k:n], i + 1) for kind, i, j, k, n in codes if kind != "equal"]
    before, after = (" ".join(line.strip() for part in parts for line in part[side]) for side in (0, 1))
    return parts[0][2], before, after
