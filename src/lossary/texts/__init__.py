"""Every message of the library, by what it is about."""

from . import peers as peers
from .arguments import *  # noqa: F403
from .calls import *  # noqa: F403
from .linear import *  # noqa: F403
from .names import *  # noqa: F403
from .objects import *  # noqa: F403
from .raw import *  # noqa: F403
from .seams import *  # noqa: F403
from .values import *  # noqa: F403
