"""Staff roles: groups made by migrations, each app granting what its own tables need."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.management import create_permissions
from django.utils.translation import gettext_noop as _

# Names of groups; pages show their translation.
OPERATOR = _("operator")
SUPPORT_AGENT = _("support agent")
NETWORK_ENGINEER = _("network engineer")
ACCOUNTANT = _("accountant")
CATALOGUE_MANAGER = _("catalogue manager")
SUPERVISOR = _("supervisor")
ALL = (OPERATOR, SUPPORT_AGENT, NETWORK_ENGINEER, ACCOUNTANT, CATALOGUE_MANAGER, SUPERVISOR)


def granting(app_label: str, grants: Mapping[str, tuple[str, ...]]) -> Callable[[Any, Any], None]:
    """A migration function: each role gets the permissions, named by codename, of one app."""

    def grant(apps: Any, schema_editor: Any) -> None:
        # Permissions are usually made after all migrations; the groups need them now.
        config = apps.get_app_config(app_label)
        config.models_module = True
        create_permissions(config, verbosity=0, apps=apps)
        config.models_module = None
        group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
        for role, codenames in grants.items():
            permissions = permission_model.objects.filter(content_type__app_label=app_label, codename__in=codenames)
            missing = set(codenames) - set(permissions.values_list("codename", flat=True))
            if missing:
                raise LookupError(f"no such permissions in {app_label}: {sorted(missing)}")
            group_model.objects.get_or_create(name=role)[0].permissions.add(*permissions)

    return grant
