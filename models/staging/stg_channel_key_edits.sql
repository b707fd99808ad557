{{ proposed_rows(source('landing', 'channel_key_edits'), ref('stg_channel_key')) }}
