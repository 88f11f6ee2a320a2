from django.db import migrations

from accounts import roles

READ_CONTRACTS = ("view_contract", "view_subscriber", "view_city", "view_street", "view_house")
CONTRACTS = ("add_contract", "change_contract", "add_subscriber", "change_subscriber", "reissue_password")
REQUESTS = ("view_connectionrequest", "change_connectionrequest")
LOCKS = ("view_signinlock", "delete_signinlock")
ADDRESSES = ("add_street", "change_street", "add_house", "change_house", "add_addressimport", "view_addressimport")

GRANTS = {
    roles.OPERATOR: (*READ_CONTRACTS, *CONTRACTS, *REQUESTS, *LOCKS, *ADDRESSES),
    roles.SUPPORT_AGENT: (*READ_CONTRACTS, *REQUESTS, *LOCKS, "reissue_password"),
    roles.NETWORK_ENGINEER: (*READ_CONTRACTS, *ADDRESSES),
    roles.ACCOUNTANT: READ_CONTRACTS,
    roles.CATALOGUE_MANAGER: ("view_city",),
    roles.SUPERVISOR: (
        *READ_CONTRACTS,
        *CONTRACTS,
        *REQUESTS,
        *LOCKS,
        *ADDRESSES,
        "add_city",
        "change_city",
        "view_journalentry",
        "view_user",
        "add_user",
        "change_user",
    ),
}


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_guards"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(roles.granting("accounts", GRANTS), migrations.RunPython.noop)]
