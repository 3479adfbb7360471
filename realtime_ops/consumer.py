"""The part of a Celery worker that reads messages, made to outlive a broker that goes away at a bad moment.

kombu 5.7 gives messages that were not acknowledged back to Redis while it closes a lost connection, over a transport
that it has just taken apart. That raises AttributeError, which Celery takes for unrecoverable: the worker would end,
and with it the attendance of all its calls. Nothing is lost by going on: a message is a nudge, and sweeps find what
nobody was nudged about.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from celery.worker.consumer import Consumer

logger = logging.getLogger(__name__)


class EnduringConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """CELERY_WORKER_CONSUMER of every worker."""

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Close what is left of the lost connection; whatever that raises, the worker connects anew."""
        lost = self.connection
        try:
            super().on_connection_error_after_connected(exc)
        except Exception as error:  # noqa: BLE001  whatever it is, a worker that ends is worse
            logger.warning("the lost connection to the broker did not close", extra={"error": type(error).__name__})
            # Nearly always its channels are closed by now, so that there is nothing left to give back.
            with suppress(Exception):
                lost.close()
