"""What can go wrong, named by who must act.

Every error carries a sentence for the person who reads it and, where there is one, a remedy.
``as_dict`` is the stable shape in which actions answer: ``{kind, message, remedy}``.
No message may hold a password, a token, a header or a URL with user information.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Callable, ClassVar, Dict, Optional, Sequence, Tuple, Type, TypeVar, Union

T = TypeVar("T")
F = TypeVar("F")


class ReviewLoopError(Exception):
    """Root of all errors of this package.

    :param message: one sentence that names the key or object and its value.
    :param remedy: one sentence that says what to do; empty where nothing can be done.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def as_dict(self) -> Dict[str, str]:
        """The error as ``{kind, message, remedy}``, all strings."""
        return {"kind": self.kind, "message": self.message, "remedy": self.remedy}


class ConfigError(ReviewLoopError):
    """The operator must change the configuration; ``problems`` lists every fault found, at once."""

    kind = "config"

    def __init__(self, message: str, remedy: str = "", problems: Sequence[str] = ()) -> None:
        super().__init__(message, remedy)
        self.problems: Tuple[str, ...] = tuple(problems) or (str(self),)


class AuthError(ReviewLoopError):
    """The operator must renew a credential: it is missing, wrong or expired."""

    kind = "auth"


class RefusedError(ReviewLoopError):
    """An administrator must grant a permission, or the request makes no sense there (4xx).

    :param answer: what the other side answered, parsed; never part of a message as it is.
    """

    kind = "refused"

    def __init__(
        self, message: str, remedy: str = "", status: int = 0, answer: object = None
    ) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.answer = answer


class TemporaryError(ReviewLoopError):
    """Nobody need act: the other side is down, slow or busy; the work can be tried again later.

    :param retry_after: seconds the other side asked to wait (``Retry-After``), None if it did not.
    :param status: the HTTP status of its answer, 0 where there was none.
    """

    kind = "temporary"

    def __init__(
        self,
        message: str,
        remedy: str = "",
        retry_after: Optional[float] = None,
        status: int = 0,
    ) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after
        self.status = status


class AmbiguousError(TemporaryError):
    """A write was sent, its answer was lost: it may have happened. Read before writing again."""

    kind = "ambiguous"


class DatastoreError(TemporaryError):
    """StackStorm's own datastore cannot be read or written just now."""

    kind = "datastore"


class ProtocolError(ReviewLoopError):
    """The other side answered something this package does not understand: a maintainer must act."""

    kind = "protocol"


class InternalError(ReviewLoopError):
    """A defect of this package: a maintainer must act."""

    kind = "internal"

    @classmethod
    def of(cls, err: BaseException) -> InternalError:
        """What to say of an exception that nobody expected: where it was, not its own words, which
        may hold a secret.
        """
        frames = traceback.extract_tb(err.__traceback__)
        place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
        return cls(
            f"A defect of this pack: {type(err).__name__}{place}.",
            "Report it, with the traceback in the execution's log.",
        )


def named(err: Exception) -> ReviewLoopError:
    """An error as this package reports it: itself, or the defect that it stands for."""
    return err if isinstance(err, ReviewLoopError) else InternalError.of(err)


def guarded(
    step: Callable[[], T],
    failed: Callable[[Exception], F],
    through: Tuple[Type[Exception], ...] = (),
) -> Union[T, F]:
    """What a step returns, or what ``failed`` makes of the error it ends with.

    The one broad guard of this package: for one item among many, which keeps no other from being
    looked at, and around what must outlive a defect. ``failed`` must report every error.

    :param through: errors that are not about the item, and are raised.
    """
    try:
        return step()
    except through:
        raise
    except Exception as err:  # noqa: BLE001 - see above
        return failed(err)
