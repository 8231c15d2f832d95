//! `[tenancy]` as it is written.

use super::*;

fn read(text: &str) -> Result<Tenancy, TenancyError> {
    tenancy(&toml::from_str(text).unwrap())
}

#[test]
fn what_is_not_said_has_a_default() {
    let tenancy = read("app_roles = ['app']").unwrap();
    let setting = Identity::Setting {
        name: "app.tenant_id".to_owned(),
    };
    assert_eq!((tenancy.column.as_str(), &tenancy.identity), ("tenant_id", &setting));
    assert_eq!(tenancy.schemas, ["public"]);
    assert_eq!((tenancy.layout, tenancy.existing, tenancy.force), Default::default());
}

#[test]
fn types_are_taken_as_they_are_written() {
    for data_type in [
        "uuid",
        "character varying(36)",
        "numeric(10, 2)",
        "app.\"Tenant Key\"",
        "text[]",
    ] {
        let tenancy = read(&format!("app_roles = ['app']\ntype = '{data_type}'")).unwrap();
        assert_eq!(tenancy.data_type.as_deref(), Some(data_type));
    }
}

#[test]
fn what_prove_reads_is_passed_over() {
    let with = "app_roles = ['a']\nlogin = 'a'\nsession = ['set x.y = 1']\n[[sessions]]\nname = 'one'";
    assert_eq!(read(with), read("app_roles = ['a']"));
}

#[test]
fn every_identity_can_be_written() {
    let jwt = read("app_roles = ['a']\nidentity = 'jwt'").unwrap();
    assert!(matches!(jwt.identity, Identity::Claim { path, .. } if path == ["app_metadata", "tenant_id"]));
    let member = "app_roles = ['a']\nidentity = 'membership'\nuser = { function = 'auth.uid' }\n[membership]\ntable = 'public.m'\nuser = 'u'\ntenant = 't'";
    let Identity::Membership(one) = read(member).unwrap().identity else {
        panic!()
    };
    assert!(matches!(one.which, Which::Active { .. }));
    let Identity::Membership(all) = read(&format!("{member}\nall = true")).unwrap().identity else {
        panic!()
    };
    assert_eq!(all.which, Which::All);
    let owner = read("app_roles = ['a']\nidentity = 'owner'\nuser = { claim = ['sub'] }").unwrap();
    assert_eq!(owner.column, "owner_id");
}

#[test]
fn mistakes_name_their_key_and_what_to_write() {
    for (text, key, words) in [
        ("", "", "retrofit init"),
        ("column = 'a'", "app_roles", "app_roles = ["),
        ("app_roles = ['a']\ncolunm = 'x'", "", "unknown field `colunm`"),
        ("app_roles = ['a']\nidentity = 'cookie'", "identity", "none of setting"),
        ("app_roles = ['a']\nsetting = 'tenant_id'", "setting", "prefix"),
        ("app_roles = ['a']\nsetting = 'app.x; drop'", "setting", "prefix"),
        (
            "app_roles = ['a']\nidentity = 'membership'",
            "membership",
            "needs the table",
        ),
        ("app_roles = ['a']\nidentity = 'owner'", "user", "say how"),
        ("app_roles = ['a']\nidentity = 'jwt'\nclaim = []", "claim", "the way"),
        ("app_roles = ['a']\nforce = 'maybe'", "force", "none of auto"),
        (
            "app_roles = ['a']\ntype = 'int; drop table x'",
            "type",
            "no name of a type",
        ),
        (
            "app_roles = ['a']\ntype = \"text default 'x'\"",
            "type",
            "no name of a type",
        ),
        ("app_roles = ['a']\ntype = 'int /* */'", "type", "no name of a type"),
        ("app_roles = ['a']\ntype = 'int -- '", "type", "no name of a type"),
        ("app_roles = ['a']\ntype = ' '", "type", "no name of a type"),
        ("app_roles = ['a', '']", "app_roles", "empty name"),
        (
            "app_roles = ['a']\n[tables.'public.o']\nbackfill = { constant = \"\\u0000\" }",
            "",
            "NUL",
        ),
        (
            "app_roles = ['a']\n[tables.orders]\nshared = true",
            "tables.\"orders\"",
            "with its schema",
        ),
        (
            "app_roles = ['a']\n[tables.'public.o']\nshared = true\ncolumn = 'x'",
            "tables.\"public.o\"",
            "shared",
        ),
        (
            "app_roles = ['a']\n[tables.'public.o']\nbackfill = {}",
            "tables.\"public.o\".backfill",
            "one of",
        ),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!(error.key, key, "{text}: {error}");
        assert!(error.reason.contains(words), "{text}: {error}");
    }
}
