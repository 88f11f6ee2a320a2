from django.db import migrations

from accounts import roles

CATALOGUE = ("tariff", "tariffprice", "option", "optionprice", "offer", "turbopackage")
IN_USE = ("subscription", "switch", "optionuse", "offeruse", "suspension", "boost", "speedtest", "accesschange")


def may(action, models):
    return tuple(f"{action}_{model}" for model in models)


READ = (*may("view", CATALOGUE), *may("view", IN_USE))
GRANTS = {
    roles.OPERATOR: READ,
    roles.SUPPORT_AGENT: READ,
    roles.NETWORK_ENGINEER: (
        *READ,
        *may("view", ["trafficimport"]),
        *may("add", ["trafficimport"]),
        *may("change", ["trafficimport", "accesschange"]),
    ),
    roles.ACCOUNTANT: (*READ, "view_monthrun", "change_monthrun"),
    roles.CATALOGUE_MANAGER: (*READ, *may("add", CATALOGUE), *may("change", CATALOGUE)),
    roles.SUPERVISOR: (
        *READ,
        *may("add", CATALOGUE),
        *may("change", CATALOGUE),
        *may("view", ["trafficimport", "monthrun"]),
        *may("add", ["trafficimport"]),
        *may("change", ["trafficimport", "accesschange", "monthrun"]),
    ),
}


class Migration(migrations.Migration):
    dependencies = [("tariffs", "0001_initial"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(roles.granting("tariffs", GRANTS), migrations.RunPython.noop)]
