"""The adapter type `foreview_mariadb`: MariaDB for dbt 1.11, on top of dbt-mysql."""

from dbt.adapters.foreview_mariadb import moved_names

moved_names.restore()  # dbt-mysql, imported next, needs them

from dbt.adapters.base import AdapterPlugin  # noqa: E402

from dbt.adapters.foreview_mariadb.connections import Credentials  # noqa: E402
from dbt.adapters.foreview_mariadb.impl import Foreview_MariaDBAdapter  # noqa: E402
from dbt.include import foreview_mariadb  # noqa: E402

Plugin = AdapterPlugin(
    adapter=Foreview_MariaDBAdapter,
    credentials=Credentials,
    include_path=foreview_mariadb.PACKAGE_PATH,
    dependencies=["mariadb"],
)
