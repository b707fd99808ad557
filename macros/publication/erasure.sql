{#- Erasure of a household from the viewing and the device loads, for `foreview erase-household`. -#}

{#-
    The devices of erased households, as a query: those that were noted, and those that are delivered
    again or anew. Each is another's from the next load on that has it so; of an erased household
    `stg_device` has none. `whose` is a condition for `household_id`.
-#}
{% macro erased_devices(noted, delivered, staged, whose) -%}
    select
        erased.household_id,
        erased.device_id,
        erased.valid_from,
        coalesce(erased.valid_to, min(staged.load_date)) as valid_to
    from (
        select household_id, device_id, valid_from, valid_to
        from {{ noted }}
        where {{ whose }}
        union
        select delivered.household_id, delivered.device_id, loads.load_date, loads.next_load_date
        from {{ delivered }} as delivered
        inner join (
            select load_date, lead(load_date) over (order by load_date) as next_load_date
            from (select distinct load_date from {{ delivered }}) as load_dates
        ) as loads on delivered.load_date = loads.load_date
        where {{ whose }}
    ) as erased
    left join {{ staged }} as staged
        on erased.device_id = staged.device_id
            and erased.valid_from < staged.load_date
    group by erased.household_id, erased.device_id, erased.valid_from, erased.valid_to
{%- endmacro %}

{% macro _devices_of(household_id) -%}
    {{- erased_devices(
        landing_relation('erased_device'), device_relation(), _built_relation('stg_device'),
        'household_id = ' ~ household_id
    ) -}}
{%- endmacro %}

{#-
    What is still there of a household, as views of this session: `foreview_household` has its devices
    and their days, `foreview_household_loads` what it adds to the recorded sums of loads.
-#}
{% macro create_household_views(household_id) -%}
    {%- call statement('household') -%}
        create or replace temporary view foreview_household as
        {{ _devices_of(household_id) }}
    {%- endcall -%}
    {%- set own -%}
        exists (
            select 1 from foreview_household as device
            where loaded.device_id = device.device_id
                and {{ holds_on('device', 'loaded.viewing_date') }}
        )
    {%- endset -%}
    {%- set conditions = {'viewing': own, 'device': 'household_id = ' ~ household_id} -%}
    {%- call statement('household_loads') -%}
        create or replace temporary view foreview_household_loads as
        {%- for table in loaded_tables() %}
        {{ contents_of_loads(
            table, recorded_loads(table, newest_number()) ~ ' and ' ~ conditions[table.name], 0
        ) }}
        {{ "union all" if not loop.last }}
        {%- endfor %}
    {%- endcall -%}
{%- endmacro %}

{#- Deletes the household's records on the days on which devices were its own, then those devices.
    Which they were is noted first, once: a supplier may deliver them again. -#}
{% macro erase_household(household_id) -%}
    {%- set erased = landing_relation('erased_device') -%}
    {%- call statement('note_erased') -%}
        merge into {{ erased }} as noted
        using (
            {{ _devices_of(household_id) }}
        ) as device
            on noted.household_id = device.household_id
                and noted.device_id = device.device_id
                and noted.valid_from = device.valid_from
        when not matched then insert *
    {%- endcall -%}
    {%- for table in (landing_relation('viewing'), viewing_relation()) -%}
        {%- call statement('erase_viewing') -%}
            merge into {{ table }} as viewing
            using (
                {{ _devices_of(household_id) }}
            ) as device
                on viewing.device_id = device.device_id
                    and {{ holds_on('device', 'viewing.viewing_date') }}
            when matched then delete
        {%- endcall -%}
    {%- endfor -%}
    {%- call statement('erase_devices') -%}
        delete from {{ device_relation() }} where household_id = {{ household_id }}
    {%- endcall -%}
{%- endmacro %}

{#- Removes the files in which erased records still are: nothing reads tables as they were earlier. -#}
{% macro forget_erased_files() -%}
    {%- do keep_no_earlier_version([
        landing_relation('viewing'), viewing_relation(), device_relation(),
    ]) -%}
{%- endmacro %}
