"""Tenants and the people in them. Outside row-level security: needed before a tenant is known."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils.crypto import salted_hmac

from calls.domain.roles import Role


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address, which is kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may do is decided by their memberships; `is_staff` opens the platform's own admin only."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    theme = models.CharField(
        max_length=6, default="system", choices=[("system", "System"), ("light", "Light"), ("dark", "Dark")]
    )
    guide = models.JSONField(default=dict, db_default={}, blank=True, editable=False)
    """First steps that leave no other trace: page or `dismissed` → when. calls.domain.guide reads it"""
    density = models.CharField(
        max_length=11,
        default="comfortable",
        db_default="comfortable",
        choices=[("comfortable", "Comfortable"), ("compact", "Compact")],
    )
    letter_keys = models.BooleanField(default=True, db_default=True)
    """Whether single letters are keys (WCAG 2.1.4): speech input types letters by accident"""
    session_round = models.PositiveIntegerField(default=0, db_default=0)
    """Part of what every session is signed with: counting it on ends them all. 0: as Django signs on its own"""
    joined_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.name or self.email

    def get_session_auth_hash(self) -> str:
        """Changes with the password, and with every "sign out everywhere"."""
        if not self.session_round:
            return super().get_session_auth_hash()
        return self._hash_of_round(secret=None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """The same with secret keys that were in use before."""
        if not self.session_round:
            yield from super().get_session_auth_fallback_hash()
            return
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._hash_of_round(secret=secret)

    def _hash_of_round(self, secret: str | bytes | None) -> str:
        salt = f"calls.models.User.session.{self.session_round}"
        return salted_hmac(salt, self.password, secret=secret, algorithm="sha256").hexdigest()


class Tenant(models.Model):
    """A customer of the console, or a department: the wall between two of them is never crossed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    timezone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="USD")
    calls_at_once = models.PositiveIntegerField(null=True, blank=True)
    """Set by platform staff; a call beyond it is refused as busy. None: no limit"""
    created_at = models.DateTimeField(auto_now_add=True)

    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="tenants"
    )

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user in a tenant, with a role."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=[(role.value, role.name.title()) for role in Role])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant} as {self.role}"


class SignInLink(models.Model):
    """A link that signs its user in, once. Only a digest is kept: the table opens no account."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    """SHA-256 of the token, in hex"""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"for {self.user}, until {self.expires_at}"
