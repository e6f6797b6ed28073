//! SQL/JSON and XML.

use pg_raw_parse::list::NodeList;
use pg_raw_parse::nodes::XmlExprOp;
use pg_raw_parse::{Node, nodes};

use super::expr::compute;
use super::{Converter, Result};
use crate::ast::{Compute, Expr, Ident, Sub, SubKind, TypeName};

impl Converter {
    #[inline(never)]
    pub(super) fn xml(&mut self, xml: &nodes::XmlExpr) -> Result<Expr> {
        let name = match xml.op {
            XmlExprOp::IS_XMLCONCAT => "xmlconcat",
            XmlExprOp::IS_XMLELEMENT => "xmlelement",
            XmlExprOp::IS_XMLFOREST => "xmlforest",
            XmlExprOp::IS_XMLPARSE => "xmlparse",
            XmlExprOp::IS_XMLPI => "xmlpi",
            XmlExprOp::IS_XMLROOT => "xmlroot",
            XmlExprOp::IS_XMLSERIALIZE => "xmlserialize",
            XmlExprOp::IS_DOCUMENT => "",
            _ => return Ok(Expr::Opaque("an XML expression of unusual form")),
        };
        let mut operands = self.exprs(xml.named_args())?;
        operands.extend(self.exprs(xml.args())?);
        Ok(compute(name, operands))
    }

    #[inline(never)]
    pub(super) fn xml_serialize(&mut self, xml: &nodes::XmlSerialize) -> Result<Expr> {
        let arg = self.expr(xml.expr())?;
        Ok(Expr::Compute(Box::new(Compute {
            name: "xmlserialize",
            functions: &[],
            operators: &[],
            operands: vec![arg],
            types: Self::type_names(&[xml.type_name()]),
            aggregate: false,
            has_else: false,
        })))
    }

    pub(super) fn json_value(&mut self, value: Option<&nodes::JsonValueExpr>) -> Result<Vec<Expr>> {
        match value {
            Some(value) => self.present(&[value.raw_expr(), value.formatted_expr()]),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn json_type(output: Option<&nodes::JsonOutput>) -> Vec<TypeName> {
        Self::type_names(&[output.and_then(nodes::JsonOutput::type_name)])
    }

    pub(super) fn json_of(
        name: &'static str,
        operands: Vec<Expr>,
        types: Vec<TypeName>,
        aggregate: bool,
    ) -> Expr {
        Expr::Compute(Box::new(Compute {
            name,
            functions: &[],
            operators: &[],
            operands,
            types,
            aggregate,
            has_else: false,
        }))
    }

    pub(super) fn json_behavior(
        &mut self,
        behavior: Option<&nodes::JsonBehavior>,
    ) -> Result<Vec<Expr>> {
        match behavior {
            Some(behavior) => self.present(&[behavior.expr()]),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn json_arguments(&mut self, list: &NodeList) -> Result<Vec<Expr>> {
        let mut operands = Vec::new();
        for node in list {
            match node {
                Node::JsonArgument(argument) => operands.extend(self.json_value(argument.val())?),
                _ => operands.push(Expr::Opaque("a JSON argument of unusual form")),
            }
        }
        Ok(operands)
    }

    #[inline(never)]
    pub(super) fn json(&mut self, node: Node<'_>) -> Result<Expr> {
        Ok(match node {
            Node::JsonIsPredicate(test) => compute("", vec![self.expr(test.expr())?]),
            Node::JsonValueExpr(value) => compute("", self.json_value(Some(value))?),
            Node::JsonParseExpr(json) => {
                let operands = self.json_value(json.expr())?;
                Self::json_of("json", operands, Self::json_type(json.output()), false)
            }
            Node::JsonScalarExpr(json) => {
                let operands = vec![self.expr(json.expr())?];
                Self::json_of(
                    "json_scalar",
                    operands,
                    Self::json_type(json.output()),
                    false,
                )
            }
            Node::JsonSerializeExpr(json) => {
                let operands = self.json_value(json.expr())?;
                Self::json_of(
                    "json_serialize",
                    operands,
                    Self::json_type(json.output()),
                    false,
                )
            }
            Node::JsonObjectConstructor(json) => {
                let mut operands = Vec::new();
                for pair in json.exprs().iter() {
                    operands.push(self.expr(pair.key())?);
                    operands.extend(self.json_value(pair.value())?);
                }
                Self::json_of(
                    "json_object",
                    operands,
                    Self::json_type(json.output()),
                    false,
                )
            }
            Node::JsonArrayConstructor(json) => {
                let mut operands = Vec::new();
                for value in json.exprs().iter() {
                    operands.extend(self.json_value(Some(value))?);
                }
                Self::json_of(
                    "json_array",
                    operands,
                    Self::json_type(json.output()),
                    false,
                )
            }
            Node::JsonArrayQueryConstructor(json) => {
                let query = Expr::Sub(Box::new(Sub {
                    kind: SubKind::Array,
                    test: None,
                    operator: Vec::new(),
                    query: self.query(json.query())?,
                }));
                Self::json_of(
                    "json_array",
                    vec![query],
                    Self::json_type(json.output()),
                    false,
                )
            }
            Node::JsonObjectAgg(json) => {
                let mut operands = Vec::new();
                if let Some(pair) = json.arg() {
                    operands.push(self.expr(pair.key())?);
                    operands.extend(self.json_value(pair.value())?);
                }
                self.json_aggregate("json_objectagg", operands, json.constructor())?
            }
            Node::JsonArrayAgg(json) => {
                let operands = self.json_value(json.arg())?;
                self.json_aggregate("json_arrayagg", operands, json.constructor())?
            }
            Node::JsonFuncExpr(json) => {
                let mut operands = self.json_value(json.context_item())?;
                operands.extend(self.present(&[json.pathspec()])?);
                operands.extend(self.json_arguments(json.passing())?);
                operands.extend(self.json_behavior(json.on_empty())?);
                operands.extend(self.json_behavior(json.on_error())?);
                let name = match json.op {
                    nodes::JsonExprOp::JSON_EXISTS_OP => "json_exists",
                    nodes::JsonExprOp::JSON_QUERY_OP => "json_query",
                    nodes::JsonExprOp::JSON_VALUE_OP => "json_value",
                    _ => return Ok(Expr::Opaque("a JSON function of unusual form")),
                };
                Self::json_of(name, operands, Self::json_type(json.output()), false)
            }
            _ => Expr::Opaque("an expression of unknown kind"),
        })
    }

    pub(super) fn json_aggregate(
        &mut self,
        name: &'static str,
        mut operands: Vec<Expr>,
        constructor: Option<&nodes::JsonAggConstructor>,
    ) -> Result<Expr> {
        let Some(constructor) = constructor else {
            return Ok(Expr::Opaque("a JSON aggregate of unusual form"));
        };
        operands.extend(self.optional(constructor.agg_filter())?);
        for node in constructor.agg_order() {
            match node {
                Node::SortBy(sort) => operands.push(self.expr(sort.node())?),
                _ => operands.push(Expr::Opaque("an order of unusual form")),
            }
        }
        if let Some(window) = constructor.over() {
            let window = self.window(window)?;
            operands.extend(window.partition);
            operands.extend(window.order.into_iter().map(|sort| sort.expr));
            operands.extend(window.frame);
        }
        Ok(Self::json_of(
            name,
            operands,
            Self::json_type(constructor.output()),
            true,
        ))
    }

    pub(super) fn json_columns(
        &mut self,
        list: Vec<&nodes::JsonTableColumn>,
        into: &mut crate::ast::ColumnsFrom,
    ) -> Result<()> {
        // Columns of NESTED PATH come after the others (parser/parse_jsontable.c, transformJsonTableColumns).
        let mut nested = Vec::new();
        for column in list {
            if let Some(name) = column.name().filter(|_| column.columns().is_empty()) {
                into.columns.push(Ident::from(name));
            }
            into.types.extend(Self::type_names(&[column.type_name()]));
            let behaviors = self.json_behavior(column.on_empty())?;
            into.operands.extend(behaviors);
            let behaviors = self.json_behavior(column.on_error())?;
            into.operands.extend(behaviors);
            for node in column.columns() {
                match node {
                    Node::JsonTableColumn(column) => nested.push(column),
                    _ => into
                        .operands
                        .push(Expr::Opaque("a JSON_TABLE column of unusual form")),
                }
            }
        }
        if nested.is_empty() {
            return Ok(());
        }
        self.deeper(|this| this.json_columns(nested, into))
    }

    pub(super) fn json_table(
        &mut self,
        table: &nodes::JsonTable,
    ) -> Result<crate::ast::ColumnsFrom> {
        let mut operands = self.json_value(table.context_item())?;
        if let Some(path) = table.pathspec() {
            operands.extend(self.present(&[path.string()])?);
        }
        operands.extend(self.json_arguments(table.passing())?);
        operands.extend(self.json_behavior(table.on_error())?);
        let mut columns = crate::ast::ColumnsFrom {
            operands,
            columns: Vec::new(),
            types: Vec::new(),
            default_name: "json_table",
            alias: table.alias().map(super::alias),
        };
        self.json_columns(table.columns().iter().collect(), &mut columns)?;
        Ok(columns)
    }
}
