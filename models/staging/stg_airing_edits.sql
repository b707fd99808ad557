{{ proposed_rows(source('landing', 'airing_edits'), ref('stg_airing')) }}
