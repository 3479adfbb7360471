"""All settings, from the environment alone. Sections in a fixed order; `CALLS` is read through calls.conf only."""

from __future__ import annotations

from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from realtime_ops import env

# --- paths -----------------------------------------------------------------------------------------------------
BASE_DIR = env.BASE_DIR
STATE_DIR = env.STATE_DIR
_local = env.local_services() if not env.text("DATABASE_URL") else {}

# --- security --------------------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG")
PUBLIC_URL = env.text("PUBLIC_URL", _local.get("public_url", "http://localhost:8000")).rstrip("/")
"""The address at which people, and the provider's webhooks, reach this installation."""
_public = urlsplit(PUBLIC_URL)
HTTPS = _public.scheme == "https"

SECRET_KEY = env.secret("SECRET_KEY", _local.get("secret_key", ""))
SEALING_KEY = env.secret("SEALING_KEY", _local.get("sealing_key", ""))
"""Master key of the secrets at rest: 32 bytes, base64. Losing it loses every stored provider key."""
SEALING_KEYS_PREVIOUS = env.secret("SEALING_KEYS_PREVIOUS").replace(",", " ").split()
"""Master keys before the last rotations: secrets sealed with them still open. Comma separated."""
if not SECRET_KEY and env.text("DATABASE_URL"):
    raise ImproperlyConfigured("SECRET_KEY is not set: give 50 random characters, or SECRET_KEY_FILE")
SECRET_KEY = SECRET_KEY or "checks-only: no service runs without a database"

ALLOWED_HOSTS = [_public.hostname or "localhost", *env.words("ALLOWED_HOSTS")]
if not HTTPS:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# Subdomains and the preload list are for whoever owns the domain to decide, at the proxy.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY") else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 8 * 3600
CSRF_FAILURE_VIEW = "calls.web.problems.csrf_failure"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": [NONE],
    }
}

# --- apps ------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "calls.apps.CallsConfig",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "lucide",
]
AUTH_USER_MODEL = "calls.User"
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# --- middleware ------------------------------------------------------------------------------------------------
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "calls.web.door.DoorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "calls.web.guide.VisitsMiddleware",
    "calls.web.problems.ProblemsMiddleware",
]

# --- urls and templates ----------------------------------------------------------------------------------------
ROOT_URLCONF = "realtime_ops.urls"
ASGI_APPLICATION = "realtime_ops.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "lucide.templatetags.lucide",
                "calls.templatetags.calls_tags",
                "calls.templatetags.frame_tags",
            ],
        },
    }
]

# --- database --------------------------------------------------------------------------------------------------
# One login, several roles: every process logs in as the user of DATABASE_URL and then takes on a role that owns
# nothing. Only migrations run as the login itself (alias `owner`). docs/operating.md shows the separate logins.
APP_ROLE = env.text("DATABASE_APP_ROLE", "realtime_ops_app")
SIDEBAND_ROLE = env.text("DATABASE_SIDEBAND_ROLE", "realtime_ops_sideband")
SEARCH_ROLE = env.text("DATABASE_SEARCH_ROLE", "realtime_ops_search")
"""Nobody's session: the function that searches transcripts runs as it."""
_database = env.database(env.text("DATABASE_URL", _local.get("database_url", "postgresql:///none?host=/nowhere")))
_reachable = {
    "connect_timeout": 5,
    # A host that vanished without a word is noticed in seconds, not in TCP's quarter of an hour.
    "tcp_user_timeout": 6000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
# A request that waits longer has lost its reader; a process that was stopped inside a transaction must not hold its
# locks. Exports lift the first for themselves; who locks the row of a call lowers the last (calls.tenancy).
_limits = {"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "5s"}
_pooled = {
    "min_size": 1,
    "max_size": env.number("DATABASE_POOL_SIZE", 8, least=1),
    "timeout": 5,
    "max_lifetime": 1800,
}
DATABASES = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        # The role comes with the start of the session (not by Django's assume_role, which takes a second connection
        # from the pool to set up the first), so RESET ROLE does not leave it either.
        "OPTIONS": {
            **_reachable,
            **_database["OPTIONS"],
            "options": " ".join(f"-c {name}={value}" for name, value in {"role": APP_ROLE, **_limits}.items()),
            "pool": _pooled,
        },
    },
    # A migration that queues for a lock makes everybody behind it wait too, and leases bear less than 4 s of that: it
    # rather fails, and is run again.
    "owner": {**_database, "OPTIONS": {**_reachable, **_database["OPTIONS"], "options": "-c lock_timeout=2s"}},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- channels --------------------------------------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL", _local.get("redis_url", "redis://127.0.0.1:6379/0"))
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            # No socket_timeout: redis-py 8 defaults to 5 s and would cut subscribers that hear nothing for so long.
            "hosts": [
                {
                    "address": REDIS_URL,
                    "socket_timeout": None,
                    "socket_connect_timeout": 1,
                    "socket_keepalive": True,
                }
            ],
            "prefix": "realtime_ops",
        },
    }
}

# --- cache -----------------------------------------------------------------------------------------------------
# Only what may be forgotten, over all web processes: counts of tries to sign in (web.attempts) and of refused
# deliveries (web.refusals), and the figures of the last seconds (web.figures).
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "realtime_ops",
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}

# --- celery ----------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"calls.tasks.attach": {"queue": "sideband"}}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # the default gives up after 46 minutes and ends the worker
CELERY_WORKER_CONSUMER = "realtime_ops.consumer:EnduringConsumer"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "realtime_ops:",
    "visibility_timeout": 300,
    "socket_timeout": 10,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 5,
    "unacked_restore_interval": 5,
}
CELERY_BEAT_SCHEDULE = {
    "settle-overdue": {"task": "calls.tasks.settle_overdue", "schedule": 5.0, "options": {"expires": 30}},
    "tend-exports": {"task": "calls.tasks.tend_exports", "schedule": 10.0, "options": {"expires": 10}},
    "sum-up-usage": {"task": "calls.tasks.sum_up_usage", "schedule": 60.0, "options": {"expires": 60}},
    "tidy": {"task": "calls.tasks.tidy", "schedule": 3600.0, "options": {"expires": 3600}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(STATE_DIR / "beat-schedule")

# --- static ----------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "realtime_ops.static.ModuleManifestStorage"},
}

# --- exports ---------------------------------------------------------------------------------------------------
EXPORTS_DIR = env.path("EXPORTS_DIR", STATE_DIR / "exports")
"""Files of exports until they expire. The jobs worker writes them and web reads them: the same directory for both."""

# --- time and language -----------------------------------------------------------------------------------------
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-gb"
USE_I18N = True

# --- logging ---------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"private": {"()": "realtime_ops.logs.PrivateFilter"}},
    "formatters": {"json": {"()": "realtime_ops.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["private"]}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        # These put addresses, headers or bodies into their messages.
        "websockets": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "django.channels.server": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}

# --- calls -----------------------------------------------------------------------------------------------------
CALLS = {
    "slots": env.number("SIDEBAND_SLOTS", 1000, least=1),
    "accept_max_age_s": env.number("CALL_ACCEPT_MAX_AGE_S", 45, least=1),
    "flush_ms": env.number("FLUSH_MS", 100, least=10),
    "backlog_changes": env.number("BACKLOG_CHANGES", 50_000, least=100),
    "spool_dir": env.path("SPOOL_DIR", STATE_DIR / "spool"),
    "spool_mb": env.number("SPOOL_MB", 256),
    "sockets_per_user": env.number("FEED_SOCKETS_PER_USER", 10, least=1),
    "sockets_per_tenant": env.number("FEED_SOCKETS_PER_TENANT", 500, least=1),
    "status_token": env.secret("STATUS_TOKEN"),
    "private_providers": env.flag("PRIVATE_PROVIDERS"),
    "demo": env.flag("DEMO"),
}
