"""Names that dbt-mysql 1.7.0 imports from where dbt 1.7 had them."""

import sys


def restore() -> None:
    """Put the names where dbt-mysql looks for them, unless something is there already."""
    import dbt.adapters.contracts.connection
    import dbt.events
    import dbt.exceptions
    import dbt.utils
    import dbt_common.clients.agate_helper
    import dbt_common.exceptions
    from dbt.adapters.events.logging import AdapterLogger
    from dbt.adapters.exceptions import FailedToConnectError
    from dbt_common.utils.executor import executor

    modules = {
        "dbt.contracts.connection": dbt.adapters.contracts.connection,
        "dbt.clients.agate_helper": dbt_common.clients.agate_helper,
    }
    for name, module in modules.items():
        sys.modules.setdefault(name, module)
    names = [
        (dbt.events, "AdapterLogger", AdapterLogger),
        (dbt.utils, "executor", executor),
        (dbt.exceptions, "DbtDatabaseError", dbt_common.exceptions.DbtDatabaseError),
        (dbt.exceptions, "FailedToConnectError", FailedToConnectError),
    ]
    for place, name, value in names:
        if not hasattr(place, name):
            setattr(place, name, value)
