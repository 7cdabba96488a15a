//! Examples of the commands that call a product by name.

/// The name of each command, and its examples.
pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        "ap whoami",
        "\
$ ap whoami
$ ap whoami --fields email,products.name",
    ),
    (
        "ap lists",
        "\
$ ap lists list
$ ap lists check do_not_call numbers.txt -o checked.jsonl
$ ap lists add do_not_call leads.csv --column phone_1 -o added.jsonl",
    ),
    (
        "ap lists list",
        "\
$ ap lists list
$ ap lists list --fields name,values --json",
    ),
    (
        "ap lists create",
        "\
$ ap lists create 'Do not mail'
$ ap lists create 'Sold this month' --ttl 2592000",
    ),
    (
        "ap lists check",
        "\
$ echo robin@example.com | ap lists check do_not_call
$ ap lists check do_not_call numbers.txt -o checked.jsonl
$ ap lists check do_not_call leads.csv --column phone_1 -o checked.csv
$ ap lists check do_not_call numbers.txt --shard 0/8 -o checked-0.jsonl",
    ),
    (
        "ap lists add",
        "\
$ ap lists add do_not_call numbers.txt -o added.jsonl
$ ap lists add do_not_call leads.csv --column phone_1 --dry-run",
    ),
    (
        "ap lists remove",
        "\
$ ap lists remove do_not_call numbers.txt -o removed.jsonl
$ ap lists remove do_not_call numbers.txt -o removed.jsonl --yes",
    ),
    (
        "ap events",
        "\
$ ap events list
$ ap events stats --group-by vars.source.name --column source-success
$ ap events export -o all.jsonl --since-last",
    ),
    (
        "ap events list",
        "\
$ ap events list --from 2026-11-01 --limit 100
$ ap events list --fields id,outcome,vars.lead.email --json",
    ),
    (
        "ap events get",
        "$ ap events get 65e0f7000000000000000001 --json",
    ),
    (
        "ap events stats",
        "\
$ ap events stats --from 2026-11-01
$ ap events stats --group-by vars.source.name --column source-success",
    ),
    (
        "ap events export",
        "\
$ ap events export --from 2026-10-01 --to 2026-11-01 -o october.csv
$ ap events export --from 2026-11-01 -o since-november.csv --since-last
$ ap events export -o all.jsonl --since-last
$ ap events export --format singer --config config.json --state state.json
$ ap events export --format singer --discover",
    ),
    (
        "ap certs",
        "\
$ ap certs retain leads.csv -o retained.jsonl
$ ap certs insights urls.txt --property page_url --property domain",
    ),
    (
        "ap certs retain",
        "\
$ ap certs retain leads.csv -o retained.csv
$ ap certs retain export.csv --cert url --email mail -o retained.csv
$ ap certs retain 65e0e50100000000000000000000000000000001 --phone 2025550142",
    ),
    (
        "ap certs match",
        "$ ap certs match leads.csv -o matched.jsonl",
    ),
    (
        "ap certs insights",
        "\
$ ap certs insights urls.txt --property page_url --property domain
$ ap certs insights 65e0e50100000000000000000000000000000001 --property domain",
    ),
    (
        "ap certs verify",
        "\
$ ap certs verify urls.txt --advertiser 'Example Home Services'
$ ap certs verify 65e0e50100000000000000000000000000000001",
    ),
    (
        "ap leads",
        "\
$ ap leads submit 65e0b2000000000000000001 65e0a1000000000000000004 \\
    leads.csv -o verdicts.csv
$ ap leads search 'pine austin'",
    ),
    (
        "ap leads submit",
        "\
$ ap leads submit 65e0b2000000000000000001 65e0a1000000000000000004 \\
    leads.csv -o verdicts.csv
$ ap leads submit 65e0b2000000000000000001 65e0a1000000000000000004 -f age=35",
    ),
    (
        "ap leads search",
        "\
$ ap leads search 'pine austin'
$ ap leads search pine --fields lead,email --json",
    ),
    (
        "ap leads ping",
        "\
$ ap leads ping 65e0b2000000000000000001 65e0a1000000000000000004 -f state=TX
$ ap leads ping 65e0b2000000000000000001 65e0a1000000000000000004 lead.json",
    ),
    (
        "ap leads feedback",
        "\
$ ap leads feedback 65e0f7000000000000000001 return --reason Duplicate
$ ap leads feedback 65e0f7000000000000000001 conversion",
    ),
    (
        "ap flows",
        "\
$ ap flows list
$ ap flows update 65e0b2000000000000000001 -f name='Solar, Texas'
$ ap flows deploy 65e0b2000000000000000001  # saving does not deploy",
    ),
    (
        "ap flows list",
        "\
$ ap flows list
$ ap flows list --fields id,name --json",
    ),
    (
        "ap flows get",
        "\
$ ap flows get 65e0b2000000000000000001
$ ap flows get 65e0b2000000000000000001 --json",
    ),
    (
        "ap flows create",
        "\
$ ap flows create -f name=Solar -F enabled=false
$ ap flows create flow.json --dry-run",
    ),
    (
        "ap flows update",
        "\
$ ap flows update 65e0b2000000000000000001 -f name='Solar, Texas' --dry-run
$ ap flows update 65e0b2000000000000000001 -F enabled=false
$ ap flows update 65e0b2000000000000000001 flow.json",
    ),
    (
        "ap flows delete",
        "\
$ ap flows delete 65e0b2000000000000000001
$ ap flows delete 65e0b2000000000000000001 --yes",
    ),
    (
        "ap flows deploy",
        "\
$ ap flows deploy 65e0b2000000000000000001
$ ap flows deploy 65e0b2000000000000000001 --dry-run
$ ap flows deploy 65e0b2000000000000000001 --yes",
    ),
    (
        "ap fields",
        "\
$ ap fields list
$ ap fields get roof_age_exhs --json
$ ap fields update roof_age_exhs -f description='In years'",
    ),
    (
        "ap fields list",
        "\
$ ap fields list
$ ap fields list --fields id,name --json",
    ),
    (
        "ap fields get",
        "\
$ ap fields get roof_age_exhs
$ ap fields get roof_age_exhs --json",
    ),
    (
        "ap fields create",
        "\
$ ap fields create -f id=roof_age -f name='Roof age' -f type=number
$ ap fields create field.json --dry-run",
    ),
    (
        "ap fields update",
        "\
$ ap fields update roof_age_exhs -f description='In years'
$ ap fields update roof_age_exhs field.json",
    ),
    (
        "ap fields delete",
        "\
$ ap fields delete roof_age_exhs
$ ap fields delete roof_age_exhs --yes",
    ),
    (
        "ap entities",
        "\
$ ap entities list
$ ap entities get 65e0a1000000000000000004 --json
$ ap entities update 65e0a1000000000000000004 -f website=https://example.com",
    ),
    (
        "ap entities list",
        "\
$ ap entities list
$ ap entities list --fields id,name --json",
    ),
    (
        "ap entities get",
        "\
$ ap entities get 65e0a1000000000000000004
$ ap entities get 65e0a1000000000000000004 --json",
    ),
    (
        "ap entities create",
        "\
$ ap entities create -f name=Site -f source=form -F recipient=null
$ ap entities create entity.json --dry-run",
    ),
    (
        "ap entities update",
        "\
$ ap entities update 65e0a1000000000000000004 -f website=https://example.com
$ ap entities update 65e0a1000000000000000004 entity.json",
    ),
    (
        "ap entities delete",
        "\
$ ap entities delete 65e0a1000000000000000004
$ ap entities delete 65e0a1000000000000000004 --yes",
    ),
    (
        "ap reports",
        "\
$ ap reports list
$ ap reports get 65e0c3000000000000000001 --json
$ ap reports update 65e0c3000000000000000001 -f name='Sold leads'",
    ),
    (
        "ap reports list",
        "\
$ ap reports list
$ ap reports list --fields id,name --json",
    ),
    (
        "ap reports get",
        "\
$ ap reports get 65e0c3000000000000000001
$ ap reports get 65e0c3000000000000000001 --json",
    ),
    (
        "ap reports create",
        "\
$ ap reports create report.json
$ ap reports create report.json --dry-run",
    ),
    (
        "ap reports update",
        "\
$ ap reports update 65e0c3000000000000000001 -f name='Sold leads'
$ ap reports update 65e0c3000000000000000001 report.json",
    ),
    (
        "ap reports delete",
        "\
$ ap reports delete 65e0c3000000000000000001
$ ap reports delete 65e0c3000000000000000001 --yes",
    ),
];
