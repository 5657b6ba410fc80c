"""All of them."""

from .forecasts import PEERS as FORECASTS
#from .images import PEERS as IMAGES

PEERS = {**FORECASTS}
NOT_RUN: dict[str, str] = {}
ELSEWHERE = {}
