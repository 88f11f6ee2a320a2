"""One settings file for the demo, the tests and production: what differs comes from the environment (.env.example)."""

import logging
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# --- Where this runs ------------------------------------------------------------------------------------------------
# The demo brings its own database and public secrets; production has no defaults at all, so that a forgotten secret
# stops the start instead of running on a known one.
DEMO = env.bool("MARK_DEMO", False)
DEBUG = env.bool("DEBUG", False)


def secret(name: str, *, demo: str) -> str:
    return str(env.str(name, demo) if DEMO else env.str(name))


SECRET_KEY = secret("SECRET_KEY", demo="demo-only-secret-key-that-production-refuses-to-know")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", not DEMO)
# How many proxies of ours stand in front and append to X-Forwarded-For; 0 believes only the socket.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)

# --- Applications ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "mark_portal",
    "tariffs",
    "support",
    "billing",
    "notifications",
    "accounts",
    "mark_portal.staff_app.StaffSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_structlog",
    "phonenumber_field",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "mark_portal.middleware.security_headers",
    "django_structlog.middlewares.RequestMiddleware",
    "mark_portal.middleware.refuse_unreadable_text",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "mark_portal.preferences.language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "mark_portal.middleware.RetryLostRaces",
]

ROOT_URLCONF = "mark_portal.urls"
WSGI_APPLICATION = "mark_portal.wsgi.application"

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
                "mark_portal.preferences.page",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"


# --- PostgreSQL -----------------------------------------------------------------------------------------------------
def patience(*, lock: int, statement: int) -> str:
    """How long PostgreSQL may keep a connection of ours waiting, in milliseconds."""
    return f"-c lock_timeout={lock}ms -c statement_timeout={statement}ms"


DATABASES = {"default": env.db("DATABASE_URL", "postgres:///mark") if DEMO else env.db("DATABASE_URL")}
DATABASES["default"] |= {
    "CONN_MAX_AGE": env.int("CONN_MAX_AGE", 600),
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        "options": patience(lock=env.int("LOCK_TIMEOUT_MS", 3_000), statement=env.int("STATEMENT_TIMEOUT_MS", 10_000)),
        "connect_timeout": 5,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: Celery's broker and the live pages ----------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", "redis://127.0.0.1:6379/0") if DEMO else env.str("REDIS_URL")

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "Europe/Samara"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A page that publishes must outlive a dead or hung broker: one try, and each answer of Redis within a fraction of a
# second. Workers and beat have time (mark_portal/celery.py gives them these), but not for ever: kombu's own default is
# no timeout at all, so that a hung Redis would hold a worker until it is killed.
CELERY_TASK_PUBLISH_RETRY = False
VISIBILITY = {"visibility_timeout": 900}  # longer than any task, or a running one would be given out again
CELERY_BROKER_TRANSPORT_OPTIONS = VISIBILITY | {"socket_timeout": 0.2, "socket_connect_timeout": 0.2, "max_retries": 0}
WORKER_TRANSPORT_OPTIONS = VISIBILITY | {"socket_timeout": 10, "socket_connect_timeout": 5, "health_check_interval": 10}
WORKER_DATABASE_OPTIONS = patience(lock=30_000, statement=CELERY_TASK_TIME_LIMIT * 1_000 - 20_000)
DJANGO_STRUCTLOG_CELERY_ENABLED = True  # a task logs the id of the request that sent it

# --- People ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
# A login is unique within its city; staff have no city. Uniqueness is a constraint of the table, not of the column.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["accounts.backends.SubscriberBackend", "accounts.backends.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("login",)},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = ["accounts.credentials.OwaspArgon2idHasher"]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "cabinet"
LOGOUT_REDIRECT_URL = "home"
STAFF_TOTP_REQUIRED = env.bool("STAFF_TOTP_REQUIRED", not DEMO)
OTP_TOTP_ISSUER = "Марк"

SIGN_IN_TRIES = env.int("SIGN_IN_TRIES", 5)
SIGN_IN_LOCK = timedelta(minutes=env.int("SIGN_IN_LOCK_MINUTES", 15))

# Keys of the encrypted passport and INN fields, apart from SECRET_KEY: "id:base64 of 32 bytes", the newest last.
VAULT_KEYS = secret("VAULT_KEYS", demo="1:ZGVtby1vbmx5LXZhdWx0LWtleS1vZi0zMi1ieXRlcyE=")
VAULT_MATCH_KEY = secret("VAULT_MATCH_KEY", demo="ZGVtby1vbmx5LW1hdGNoLWtleS1vZi0zMi1ieXRlcyE=")

SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = int(timedelta(days=30).total_seconds())
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
STAFF_SESSION_AGE = timedelta(hours=12)

# --- Money ----------------------------------------------------------------------------------------------------------
ADJUSTMENT_NEEDS_SECOND_ABOVE = env.int("ADJUSTMENT_NEEDS_SECOND_ABOVE", 5_000)  # rubles
REFUND_NEEDS_SECOND_ABOVE = env.int("REFUND_NEEDS_SECOND_ABOVE", 5_000)  # rubles
TOP_UP_LEAST, TOP_UP_MOST = env.int("TOP_UP_LEAST", 1), env.int("TOP_UP_MOST", 100_000)  # rubles
TOP_UP_PRESETS = env.list("TOP_UP_PRESETS", int, [300, 500, 1_000, 2_000])  # rubles
RECEIPT_ATTEMPTS = env.int("RECEIPT_ATTEMPTS", 20)  # some 14 hours; then staff look after it
AUTOPAY_FAILURES = env.int("AUTOPAY_FAILURES", 3)  # in a row; then it is switched off
AUTOPAY_HOUR = env.int("AUTOPAY_HOUR", 10)  # local time, from which cards are charged
# Promised payments: rubles and days.
PROMISE_MOST = env.int("PROMISE_MOST", 1_000)
MONTH_REMINDER_DAYS = env.int("MONTH_REMINDER_DAYS", 3)  # before the 1st; 2 and 1 are the days of autopay
PROMISE_DAYS, PROMISE_DAYS_MOST = env.int("PROMISE_DAYS", 3), env.int("PROMISE_DAYS_MOST", 7)
PROMISE_PAUSE_DAYS = env.int("PROMISE_PAUSE_DAYS", 28)
PROMISE_CONTRACT_AGE_DAYS = env.int("PROMISE_CONTRACT_AGE_DAYS", 30)
# So many days before an offer ends its holder is told what a month costs then.
OFFER_END_NOTICE_DAYS = env.int("OFFER_END_NOTICE_DAYS", 7)

# Services.
PRICE_NOTICE_DAYS = env.int("PRICE_NOTICE_DAYS", 10)  # subscribers are told of a new price so many days ahead
SWITCH_DAYS_AHEAD = env.int("SWITCH_DAYS_AHEAD", 60)  # how far ahead a switch of tariff may be planned
SWITCHES_A_MONTH = env.int("SWITCHES_A_MONTH", 1)  # within a calendar month; from its 1st it is always possible

# Statements, invoices and acts. The rates of VAT, each from its day on; none at all means «без НДС».
STATEMENT_YEARS_MOST = env.int("STATEMENT_YEARS_MOST", 5)
STATEMENT_PDF_LINES = env.int("STATEMENT_PDF_LINES", 1_000)
PDFS_AN_HOUR = env.int("PDFS_AN_HOUR", 30)  # a contract
VAT_RATES = env.list("VAT_RATES", default=["2019-01-01:20", "2026-01-01:22"])  # percent
# Who sells: the requisites on these papers. The demo's have right check digits and belong to nobody.
COMPANY = {
    "name": secret("COMPANY_NAME", demo="ООО «Марк»"),
    "inn": secret("COMPANY_INN", demo="1899001001"),
    "kpp": secret("COMPANY_KPP", demo="189901001"),
    "ogrn": secret("COMPANY_OGRN", demo="1189900001235"),
    "address": secret("COMPANY_ADDRESS", demo="426000, Удмуртская Республика, г. Ижевск, ул. Примерная, д. 1"),
    "account": secret("COMPANY_ACCOUNT", demo="40702810699900001234"),
    "bank": secret("COMPANY_BANK", demo="АО «Примерный банк», г. Ижевск"),
    "bic": secret("COMPANY_BIC", demo="049401999"),
    "corr_account": secret("COMPANY_CORR_ACCOUNT", demo="30101810400000000999"),
    "director": secret("COMPANY_DIRECTOR", demo="П. С. Образцов"),
    "accountant": secret("COMPANY_ACCOUNTANT", demo="Е. В. Примерова"),
}

# --- Gateways: modules of billing/gateways/ -------------------------------------------------------------------------
PAYMENT_GATEWAYS = env.list("PAYMENT_GATEWAYS", default=["sandbox", "osmp", "sber"] if DEMO else [])
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000") if DEMO else env.str("SITE_URL")


def of_gateway(gateway: str, name: str) -> str:
    """What a gateway that is switched on cannot do without; an empty one counts as missing."""
    value = str(env.str(name)) if gateway in PAYMENT_GATEWAYS else ""
    if gateway in PAYMENT_GATEWAYS and not value:
        raise ImproperlyConfigured(f"{name} is empty, but PAYMENT_GATEWAYS names {gateway}")
    return value


# The sandbox credits what its own page says. Tests allow it (mark_portal/pytest_servers.py), nothing else may.
if "sandbox" in PAYMENT_GATEWAYS and not (DEMO or env.bool("SANDBOX_IN_TESTS", False)):
    raise ImproperlyConfigured("PAYMENT_GATEWAYS names sandbox, which is for the demo alone")
SANDBOX_SECRET = env.str("SANDBOX_SECRET", "demo-only-sandbox-secret")
if "sandbox" in PAYMENT_GATEWAYS and not SANDBOX_SECRET:
    raise ImproperlyConfigured("SANDBOX_SECRET is empty: anybody could sign a notification")

YOOKASSA_SHOP_ID = of_gateway("yookassa", "YOOKASSA_SHOP_ID")
YOOKASSA_SECRET_KEY = of_gateway("yookassa", "YOOKASSA_SECRET_KEY")
YOOKASSA_VAT_CODE = int(of_gateway("yookassa", "YOOKASSA_VAT_CODE") or 1)  # no default: only the operator knows it
YOOKASSA_TAX_SYSTEM = env.int("YOOKASSA_TAX_SYSTEM", None)  # only some cash registers ask for it
YOOKASSA_METHODS = env.list("YOOKASSA_METHODS", default=["card", "sbp"])  # SBP needs a contract of its own
if not 1 <= YOOKASSA_VAT_CODE < 20 or not set(YOOKASSA_METHODS) <= {"card", "sbp"}:
    raise ImproperlyConfigured("YOOKASSA_VAT_CODE is a code, not percent; YOOKASSA_METHODS are card, sbp or both")
YOOKASSA_API_URL = env.str("YOOKASSA_API_URL", "https://api.yookassa.ru/v3")
YOOKASSA_NETWORKS = env.list("YOOKASSA_NETWORKS", ip_network, default=[])  # of notifications; empty: those of the SDK
YOOKASSA_TIMEOUT = env.float("YOOKASSA_TIMEOUT", 5.0)  # seconds in all: a page waits for it


def terminal(gateway: str) -> dict[str, Any]:
    """Who may speak as a network of payment terminals: from which networks, with which user and password (Basic)."""
    prefix = gateway.upper()
    if DEMO:
        cidr, user, password = env.str(f"{prefix}_NETWORKS", "127.0.0.0/8,::1/128"), "", ""
    else:
        cidr, user, password = (of_gateway(gateway, f"{prefix}_{name}") for name in ("NETWORKS", "USER", "PASSWORD"))
    try:
        networks = [ip_network(network.strip()) for network in cidr.split(",")]
    except ValueError as error:
        raise ImproperlyConfigured(f"{prefix}_NETWORKS holds networks like 203.0.113.0/24: {error}") from error
    return {"networks": networks, "user": user, "password": password}


TERMINALS = {gateway: terminal(gateway) for gateway in ("osmp", "sber") if gateway in PAYMENT_GATEWAYS}

# --- Requests from the public ---------------------------------------------------------------------------------------
PHONENUMBER_DEFAULT_REGION = "RU"
PHONENUMBER_DB_FORMAT = "E164"
WORKING_DAY_START, WORKING_DAY_END = env.str("WORKING_DAY_START", "09:00"), env.str("WORKING_DAY_END", "18:00")
CONNECTION_REQUEST_DEADLINE = timedelta(minutes=env.int("CONNECTION_REQUEST_DEADLINE_MINUTES", 120))  # working time

# --- How to reach «Марк» --------------------------------------------------------------------------------------------
TECHNICAL_PHONE = env.str("TECHNICAL_PHONE", "+7 (3412) 918-111")
SALES_PHONE = env.str("SALES_PHONE", "+7 (3412) 918-177")
BUSINESS_EMAIL = env.str("BUSINESS_EMAIL", "abon@mark.ru")
VK_MESSAGE_URL = env.str("VK_MESSAGE_URL", "https://vk.me/mark_izhevsk")

# --- Language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = env.str("LANGUAGE_CODE", "ru")
LANGUAGES = [("ru", _("Russian")), ("en", _("English"))]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Samara"
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

# --- Static files ---------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# What staff upload for a worker to read: pages and workers share this folder, and no address leads into it.
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(BASE_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "mark_portal.staticfiles.FlatStylesStorage"
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# --- Access to the network ------------------------------------------------------------------------------------------
PROVISIONER = env.str("PROVISIONER", "log")  # a module of tariffs/provisioners
LINE_MBIT = env.int("LINE_MBIT", 1_000)  # what a subscriber's line carries at most
# A pause at the subscriber's wish: days in a calendar year, the first of them free; then rubles a day.
SUSPENSION_DAYS_LEAST, SUSPENSION_DAYS_MOST = env.int("SUSPENSION_DAYS_LEAST", 7), env.int("SUSPENSION_DAYS_MOST", 90)
SUSPENSION_FREE_DAYS, SUSPENSION_DAY_FEE = env.int("SUSPENSION_FREE_DAYS", 30), env.int("SUSPENSION_DAY_FEE", 5)
SUSPENSION_AHEAD_DAYS = env.int("SUSPENSION_AHEAD_DAYS", 365)  # how long before it is planned at most

# --- Speed test -----------------------------------------------------------------------------------------------------
# One transfer at most; at once from one address (a test has up to 6), and to the whole process; an address in an hour.
SPEED_TEST_MB_MOST = env.int("SPEED_TEST_MB_MOST", 100)
SPEED_TEST_SECONDS_MOST = env.float("SPEED_TEST_SECONDS_MOST", 30)
SPEED_TEST_PARALLEL = env.int("SPEED_TEST_PARALLEL", 12)
SPEED_TEST_PARALLEL_ALL = env.int("SPEED_TEST_PARALLEL_ALL", 96)
SPEED_TEST_GB_AN_HOUR = env.int("SPEED_TEST_GB_AN_HOUR", 40)  # a test at 1 Gbit/s takes 2.5
SPEED_TEST_PHASE_SECONDS = env.float("SPEED_TEST_PHASE_SECONDS", 8)  # of each direction
SPEED_TESTS_AN_HOUR = env.int("SPEED_TESTS_AN_HOUR", 20)  # saved for a contract
SPEED_TEST_GOOD = env.float("SPEED_TEST_GOOD", 0.8)  # of the tariff's speed, and more
SPEED_TEST_POOR = env.float("SPEED_TEST_POOR", 0.5)  # below it the page says what to do

# --- Security headers -----------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^health/$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "mark_portal.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000

# --- Logs: JSON lines with a request id -----------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(ensure_ascii=False),
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.format_exc_info,
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Bad input is answered with a page, not reported as a fault of ours.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django_structlog": {"level": env.str("REQUEST_LOG_LEVEL", "INFO")},
        # django_structlog tells of each task already, with the request's id.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
# One line a request, when it has ended.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
