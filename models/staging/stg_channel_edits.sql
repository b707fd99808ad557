{{ proposed_rows(source('landing', 'channel_edits'), ref('stg_channel')) }}
