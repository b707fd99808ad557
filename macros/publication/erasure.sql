{#- Erasure of a household from the viewing and the device loads, for `foreview erase-household`. -#}

{#- Deletes the household's records on the days on which devices were its own, then those devices.
    Which they were is noted first, once: a supplier may deliver them again. -#}
{% macro erase_household(household_id) -%}
    {%- set erased = landing_relation('erased_device') -%}
    {%- call statement('note_erased') -%}
        merge into {{ erased }} as noted
        using (
            select distinct household_id, device_id, valid_from, valid_to
            from {{ graph.nodes['model.' ~ project_name ~ '.dim_device'].relation_name }}
            where household_id = {{ household_id }}
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
                select device_id, valid_from, valid_to
                from {{ erased }}
                where household_id = {{ household_id }}
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
