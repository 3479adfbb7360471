"""The platform staff's pages: Django's own admin, at /admin/. Knows tenants, people and prices; sees no call."""
