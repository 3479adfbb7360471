"""What the staff's site shows, and its addresses."""

from __future__ import annotations

from calls.models import Tenant, User
from calls.web.staff.others import MODELS
from calls.web.staff.people import UserAdmin
from calls.web.staff.site import StaffSite
from calls.web.staff.tenants import TenantAdmin

site = StaffSite()
for model, pages in {Tenant: TenantAdmin, User: UserAdmin, **MODELS}.items():
    site.register(model, pages)
