{{ proposed_rows(source('landing', 'area_edits'), ref('stg_area')) }}
