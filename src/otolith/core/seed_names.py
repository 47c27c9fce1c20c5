"""The names under which the four systems' guides, and OpenTelemetry's, know Otolith's settings."""

ALIASES = {
    "RECOZIK_WEB_BASE_MEDIA_ROOT": "OTOLITH_DATA",
    "RECOZIK_WEB_ADMIN_TOKEN": "OTOLITH_ADMIN_TOKEN",
    "RECOZIK_ADMIN_TOKEN": "OTOLITH_ADMIN_TOKEN",
    "RECOZIK_WEB_ADMIN_USERNAME": "OTOLITH_ADMIN_USERNAME",
    "RECOZIK_WEB_ADMIN_PASSWORD": "OTOLITH_ADMIN_PASSWORD",
    "RECOZIK_WEB_READONLY_TOKEN": "OTOLITH_READONLY_TOKEN",
    "RECOZIK_WEB_PRODUCTION_MODE": "OTOLITH_PRODUCTION_MODE",
    "RECOZIK_WEB_RATE_LIMIT_ENABLED": "OTOLITH_LIMITS_ENABLED",
    "RECOZIK_WEB_RATE_LIMIT_PER_MINUTE": "OTOLITH_LIMITS_PER_MINUTE",
    "RATE_LIMIT_ENABLED": "OTOLITH_LIMITS_ENABLED",
    "RATE_LIMIT_PER_MINUTE": "OTOLITH_LIMITS_PER_MINUTE",
    "RECOZIK_WEBUI_UPLOAD_LIMIT": "OTOLITH_MEDIA_UPLOAD_LIMIT",
    "DATABASE_URL": "OTOLITH_DATABASE_URL",
    "ALLOWED_ORIGINS": "OTOLITH_ALLOWED_ORIGINS",
    "DEBUG": "OTOLITH_DEBUG",
    "LOG_LEVEL": "OTOLITH_LOG_LEVEL",
    "OLLAMA_BASE_URL": "OTOLITH_LANGUAGE_URL",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "OTOLITH_OTEL_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "OTOLITH_OTEL_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS": "OTOLITH_OTEL_HEADERS",
    "OTEL_SERVICE_NAME": "OTOLITH_OTEL_SERVICE_NAME",
    "OTEL_SDK_DISABLED": "OTOLITH_OTEL_DISABLED",
}

DATABASE_ALIASES = ("RECOZIK_WEB_JOBS_DATABASE_URL", "RECOZIK_WEB_AUTH_DATABASE_URL")

# Read without complaint: what each of them stands for, or why it has no use here.
EXPLAINED = {
    "ENVIRONMENT": "`production` switches production mode on.",
    "RECOZIK_WEB_UPLOAD_SUBDIR": "Bodies on their way in always lie in the `uploads` folder of the data folder.",
    "RECOZIK_WEB_ACOUSTID_API_KEY": "The AcoustID key, for identification (a later capability).",
    "RECOZIK_ACOUSTID_API_KEY": "The AcoustID key, for identification (a later capability).",
    "RECOZIK_WEB_AUDD_TOKEN": "The AudD token, for identification (a later capability).",
    "RECOZIK_AUDD_TOKEN": "The AudD token, for identification (a later capability).",
    "OLLAMA_MODEL": (
        "The language model, for enrichment (a later capability); OTOLITH_LANGUAGE_EMBEDDING_MODEL names the one that "
        "makes vectors of texts."
    ),
    "SUPABASE_URL": "The OpenID Connect issuer (a later capability).",
    "SUPABASE_KEY": "Otolith speaks to PostgreSQL directly, so this has no use here.",
    "SUPABASE_SERVICE_KEY": "Otolith speaks to PostgreSQL directly, so this has no use here.",
    "NEXT_PUBLIC_API_URL": "Pages and API share one address, so this has no use here.",
    "NEXT_PUBLIC_SITE_URL": "Use OTOLITH_PUBLIC_URL; nothing is baked into the pages at build time.",
    "NEXT_PUBLIC_SUPABASE_URL": "Nothing is baked into the pages at build time, so this has no use here.",
    "NEXT_PUBLIC_SUPABASE_ANON_KEY": "Nothing is baked into the pages at build time, so this has no use here.",
    "NEXT_PUBLIC_GA_ID": "Otolith's pages send nothing to third parties, so this has no use here.",
}

# Secrets printed in the guides: whoever reads them knows them.
PLACEHOLDERS = frozenset(
    {
        "dev-admin",
        "dev-password",
        "demo-key",
        "xxx",
        "jeton-super-securise",
        "your-secure-random-token-here",
        "change-me-strong",
        "changeme",
        "password",
        "admin",
        "secret",
    }
)
