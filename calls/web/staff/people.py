"""Users of the whole installation: who may sign in, and who belongs to the platform staff. No password is set here."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.admin import display
from django.forms import ValidationError
from django.http import HttpRequest

from calls.actions import staff
from calls.domain import values
from calls.models import User
from calls.selectors.members import memberships
from calls.web.staff.site import StaffAdmin, acting, checked


class UserForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's own takes none at run time
    class Meta:
        model = User
        fields: ClassVar = ["email", "name", "is_active", "is_staff"]
        help_texts: ClassVar = {
            "email": "One signs in with it; it stays. manage.py sign_in_link makes a way in without a password.",
            "is_active": "Switched off, a user is signed out everywhere and may not sign in.",
            "is_staff": "Opens these pages, and no tenant.",
        }

    def clean_email(self) -> str:
        return checked(values.email, self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.instance.pk and self.instance.pk == getattr(self, "own_pk", None):
            for name in ("is_active", "is_staff"):
                if not given.get(name):
                    self.add_error(name, ValidationError("Somebody else of the staff may take this from you."))
        return given


class UserAdmin(StaffAdmin):
    form = UserForm
    list_display = ("email", "name", "is_active", "is_staff", "belongs", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.own_pk = request.user.pk  # type: ignore[attr-defined]  # a class made for this request
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["email"] if obj else []

    @display(description="Tenants")
    def belongs(self, user: User) -> str:
        return ", ".join(f"{member.slug} ({member.actor.role})" for member in memberships(user.pk))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in ("name", "is_active", "is_staff")}
        if change:
            staff.change_user(User.objects.get(pk=obj.pk), **given, by=acting(request))
        else:
            made = staff.create_user(form.cleaned_data["email"], **given, by=acting(request))
            obj.pk, obj._state.adding = made.pk, False
