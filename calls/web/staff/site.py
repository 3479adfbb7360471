"""The site of the platform staff: who may enter, and the policy that Django's own scripts need.

To everybody else the address does not exist. Django's scripts build markup from text, so Trusted Types are not asked
for here; scripts and styles still come from this installation alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from csp.decorators import csp_replace
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.decorators import login_not_required
from django.forms import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils.decorators import method_decorator

from calls.domain.actors import Actor
from calls.exceptions import InvalidInput, NotFound

_WITHOUT_TRUSTED_TYPES = {"require-trusted-types-for": None, "trusted-types": None}
_LABEL_LIMIT = 200
_CLOSED = frozenset({"password_change", "password_change_done"})
"""Passwords are set where it is on record"""


class StaffSite(AdminSite):
    site_header = site_title = "Realtime Ops, platform"
    index_title = "Platform"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        # Strangers were sent to the door before (LoginRequiredMiddleware); Django's own page would send members there.
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_permission(request):
                raise NotFound("page")
            return inner(request, *args, **kwargs)  # type: ignore[no-any-return]

        return csp_replace(_WITHOUT_TRUSTED_TYPES)(guarded)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one door, which counts tries."""
        there = request.GET.get("next") or reverse("admin:index")
        return HttpResponseRedirect(f"{reverse('sign_in')}?{urlencode({'next': there})}")

    def get_urls(self) -> list[URLResolver | URLPattern]:
        return [one for one in super().get_urls() if getattr(one, "name", None) not in _CLOSED]


class StaffAdmin(ModelAdmin):  # type: ignore[type-arg]  # Django's own takes none at run time
    """All of the staff may see and change what is here; nothing is deleted, and users and tenants are saved by actions.

    A price list belongs to no tenant and only ever grows: Django's own log says who added it.
    """

    list_per_page = 50
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def acting(request: HttpRequest) -> Actor:
    """Staff act for the installation itself, under their own name on the record."""
    return Actor(None, f"{getattr(request.user, 'email', '')[: _LABEL_LIMIT - 20]} (platform staff)")


def checked(rule: Callable[..., str], value: str, **bounds: Any) -> str:
    """What a rule of the domain says of a field, as its form tells it."""
    try:
        return rule(value, **bounds)
    except InvalidInput as error:
        raise ValidationError(error.reason.removeprefix(f"{error.field}: ")) from None
