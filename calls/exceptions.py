"""The one error tree. It carries decisions (code, http_status, retryable); it never carries speech, numbers or keys.

CallsError
├─ NotAllowed                  the member's role lacks the capability
├─ TenantScopeMissing          a programming fault: a tenant table was asked for without a tenant
├─ NotFound                    absent, or another tenant's: the same answer
├─ InvalidInput                what a person or program sent cannot be used; names the field
├─ TooWide                     a question about calls or usage that would take too long; a shorter range may not
├─ InvalidTransition           ours: an illegal move was asked of a state table
├─ ChangedMeanwhile            somebody saved something newer than what the form was made from
├─ CommandRejected             an operator's command cannot be taken; the reason is for reading
├─ ProviderError               theirs, or the road to them
│   ├─ ProviderUnreachable     retryable: timeout, refused or dropped connection; the effect is unknown
│   ├─ ProviderBusy            retryable: 429 and 5xx
│   ├─ ProviderGone            404/410: the provider does not know this call (any more)
│   └─ ProviderRefused         permanent: credentials, bad request
├─ WebhookRejected             a delivery that is not believed
└─ FeedGone                    the position is too old or of another epoch: take a snapshot
"""

from __future__ import annotations


class CallsError(Exception):
    """Base of everything that this product raises on purpose."""

    code = "error"
    http_status = 500
    retryable = False

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class NotAllowed(CallsError):
    """The member's role lacks the capability; `reason` names it."""

    code = "not_allowed"
    http_status = 403


class TenantScopeMissing(CallsError):
    """A tenant table was queried outside `tenancy.tenant_scope`."""

    code = "tenant_scope_missing"


class NotFound(CallsError):
    """There is no such thing in this tenant."""

    code = "not_found"
    http_status = 404


class InvalidInput(CallsError):
    """Input that cannot be used. `field` is a path such as `tenants[0].agents[1].voice`."""

    code = "invalid_input"
    http_status = 422

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field


class TooWide(CallsError):
    """What was looked for cannot be found within the time that a page has."""

    code = "too_wide"
    http_status = 503


class InvalidTransition(CallsError):
    """Our own code asked for a move that the state table does not have."""

    code = "invalid_transition"


class ChangedMeanwhile(CallsError):
    """What is to be changed is no longer what the person saw; `reason` says who changed it, where that is known."""

    code = "changed_meanwhile"
    http_status = 409


class CommandRejected(CallsError):
    """The command cannot be taken now; `reason` is a sentence for the operator."""

    code = "command_rejected"
    http_status = 409


class ProviderError(CallsError):
    """The provider, or the road to it, failed. `reason` is the provider's own words where it gave any."""

    code = "provider_error"
    http_status = 502

    def __init__(self, reason: str = "", *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_after = retry_after
        """Seconds that the provider asked us to wait, where it did."""


class ProviderUnreachable(ProviderError):
    """No answer: whether the request took effect is unknown."""

    code = "provider_unreachable"
    retryable = True


class ProviderBusy(ProviderError):
    """429 or 5xx."""

    code = "provider_busy"
    retryable = True


class ProviderGone(ProviderError):
    """404 or 410: the provider does not know this call."""

    code = "provider_gone"


class ProviderRefused(ProviderError):
    """The provider will not do this however often it is asked."""

    code = "provider_refused"


class WebhookRejected(CallsError):
    """A delivery that is malformed, unsigned, wrongly signed or out of its time window."""

    code = "webhook_rejected"
    http_status = 400


class FeedGone(CallsError):
    """The reader's past is not available: its epoch changed or it is too far behind."""

    code = "feed_gone"
    http_status = 410


class FileGone(CallsError):
    """The file of an export expired or was removed; the reason says what to do."""

    code = "file_gone"
    http_status = 410
