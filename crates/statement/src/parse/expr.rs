//! Expressions.

use pg_raw_parse::list::NodeList;
use pg_raw_parse::nodes::{
    A_Expr_Kind as Kind, BoolExprType, GroupingSetKind, MinMaxOp, SubLinkType,
};
use pg_raw_parse::{ConstValue, Node, nodes};

use super::{Converter, Result, is_none, names, path};
use crate::ast::{
    Call, Cast, Column, Compute, Expr, Junction, Literal, Op, OpForm, Param, Part, Path, Sort,
    Step, Sub, SubKind, TypeName, Window,
};

/// `FRAMEOPTION_NONDEFAULT` (nodes/parsenodes.h).
const NONDEFAULT: i32 = 1;

pub(super) fn op(symbol: &str) -> Path {
    vec![symbol.into()]
}

pub(super) fn compute(name: &'static str, operands: Vec<Expr>) -> Expr {
    Expr::Compute(Box::new(Compute {
        name,
        functions: &[],
        operators: &[],
        operands,
        types: Vec::new(),
        aggregate: false,
        has_else: false,
    }))
}

pub(super) fn compute_with(
    name: &'static str,
    functions: &'static [&'static str],
    operators: &'static [&'static str],
    operands: Vec<Expr>,
) -> Expr {
    Expr::Compute(Box::new(Compute {
        name,
        functions,
        operators,
        operands,
        types: Vec::new(),
        aggregate: false,
        has_else: false,
    }))
}

impl Converter {
    pub(super) fn exprs(&mut self, list: &NodeList) -> Result<Vec<Expr>> {
        let mut exprs = Vec::with_capacity(list.len());
        for node in list {
            exprs.push(self.expr(node)?);
        }
        Ok(exprs)
    }

    pub(super) fn optional(&mut self, node: Node<'_>) -> Result<Option<Expr>> {
        if is_none(node) {
            return Ok(None);
        }
        self.expr(node).map(Some)
    }

    /// All optional expressions that are there.
    pub(super) fn present(&mut self, nodes: &[Node<'_>]) -> Result<Vec<Expr>> {
        let mut exprs = Vec::new();
        for node in nodes {
            if let Some(expr) = self.optional(*node)? {
                exprs.push(expr);
            }
        }
        Ok(exprs)
    }

    pub(super) fn expr(&mut self, node: Node<'_>) -> Result<Expr> {
        self.deeper(|this| this.expr_here(node))
    }

    #[inline(never)]
    pub(super) fn expr_here(&mut self, node: Node<'_>) -> Result<Expr> {
        match node {
            Node::ColumnRef(column) => Ok(Self::column(column)),
            Node::A_Const(constant) => Ok(self.constant(constant)),
            Node::ParamRef(param) => Ok(Expr::Param(Param {
                number: param.number,
                place: usize::try_from(param.location).ok(),
            })),
            Node::A_Expr(expr) => self.operator(expr),
            Node::FuncCall(call) => self.call(call),
            Node::BoolExpr(expr) => self.junction(expr),
            Node::TypeCast(cast) => self.cast(cast),
            Node::SubLink(link) => self.sublink(link),
            Node::CaseExpr(case) => self.case(case),
            Node::A_Indirection(part) => self.part(part),
            Node::NodeList(list) => Ok(compute("row", self.exprs(list)?)),
            Node::RowExpr(row) => Ok(compute("row", self.exprs(row.args())?)),
            Node::A_ArrayExpr(array) => Ok(compute("array", self.exprs(array.elements())?)),
            Node::CoalesceExpr(expr) => Ok(compute("coalesce", self.exprs(expr.args())?)),
            Node::NullTest(test) => Ok(Expr::NullTest(Box::new(self.expr(test.arg())?))),
            Node::BooleanTest(test) => Ok(compute("", vec![self.expr(test.arg())?])),
            Node::SetToDefault(_) => Ok(Expr::Default),
            Node::SQLValueFunction(value) => Ok(Self::value_function(value)),
            Node::MinMaxExpr(expr) => self.min_max(expr),
            Node::CollateClause(clause) => self.collate(clause),
            Node::NamedArgExpr(argument) => self.expr(argument.arg()),
            Node::GroupingFunc(grouping) => Ok(compute("grouping", self.exprs(grouping.args())?)),
            Node::GroupingSet(set) => self.grouping_set(set),
            Node::CurrentOfExpr(_) => Ok(Expr::CurrentOf),
            Node::MultiAssignRef(source) => self.expr(source.source()),
            Node::MergeSupportFunc(_) => Ok(compute("merge_action", Vec::new())),
            Node::XmlExpr(xml) => self.xml(xml),
            Node::XmlSerialize(xml) => self.xml_serialize(xml),
            Node::ResTarget(target) => self.expr(target.val()),
            _ => self.json(node),
        }
    }

    #[inline(never)]
    pub(super) fn column(column: &nodes::ColumnRef) -> Expr {
        let mut fields: Path = Vec::with_capacity(column.fields().len());
        let mut star = false;
        for field in column.fields() {
            match field {
                Node::String(name) if !star => fields.push(name.sval().unwrap_or_default().into()),
                Node::A_Star(_) if !star => star = true,
                _ => return Expr::Opaque("a column reference of unusual form"),
            }
        }
        Expr::Column(Box::new(Column {
            path: fields,
            star,
            place: usize::try_from(column.location).ok(),
        }))
    }

    #[inline(never)]
    pub(super) fn constant(&mut self, constant: &nodes::A_Const) -> Expr {
        if constant.isnull {
            return Expr::Null;
        }
        let place = usize::try_from(constant.location).ok();
        let mut literal = |value: &str| {
            self.constants.extend(place);
            Literal::new(value, place)
        };
        match constant.val() {
            Some(ConstValue::Integer(value)) => Expr::Number(literal(&value.to_string())),
            Some(ConstValue::Float(value)) => Expr::Number(literal(value)),
            Some(ConstValue::Boolean(value)) => Expr::Bool(value),
            Some(ConstValue::String(value)) => Expr::Text(literal(value)),
            Some(ConstValue::BitString(value)) => compute("", vec![Expr::Text(literal(value))]),
            _ => Expr::Opaque("a constant of unusual form"),
        }
    }

    /// Chains of binary operators lean left and may be thousands long: they are unrolled, not recursed into.
    #[inline(never)]
    pub(super) fn operator(&mut self, expr: &nodes::A_Expr) -> Result<Expr> {
        if expr.kind != Kind::AEXPR_OP {
            return self.special_operator(expr);
        }
        let mut spine = vec![expr];
        let mut left = expr.lexpr();
        while let Node::A_Expr(inner) = left {
            if inner.kind != Kind::AEXPR_OP || is_none(inner.lexpr()) {
                break;
            }
            spine.push(inner);
            left = inner.lexpr();
        }
        let mut operands = Vec::with_capacity(spine.len() + 1);
        if !is_none(left) {
            operands.push(self.expr(left)?);
        }
        let mut operators = Vec::with_capacity(spine.len());
        while let Some(expr) = spine.pop() {
            let Some(name) = path(expr.name()) else {
                return Ok(Expr::Opaque("an operator of unusual form"));
            };
            operators.push(name);
            if !is_none(expr.rexpr()) {
                operands.push(self.expr(expr.rexpr())?);
            }
        }
        let mut operators = operators.into_iter();
        Ok(Expr::Op(Box::new(Op {
            form: OpForm::Plain,
            name: operators.next().unwrap_or_default(),
            operands,
            chain: operators.collect(),
        })))
    }

    #[inline(never)]
    pub(super) fn special_operator(&mut self, expr: &nodes::A_Expr) -> Result<Expr> {
        let operands = self.present(&[expr.lexpr(), expr.rexpr()])?;
        let form = match expr.kind {
            Kind::AEXPR_DISTINCT | Kind::AEXPR_NOT_DISTINCT => OpForm::Plain,
            Kind::AEXPR_IN => OpForm::In,
            Kind::AEXPR_OP_ANY => OpForm::Any,
            _ => OpForm::Other,
        };
        let named = |operands, name: Path| {
            Expr::Op(Box::new(Op {
                form,
                name,
                operands,
                chain: Vec::new(),
            }))
        };
        Ok(match expr.kind {
            Kind::AEXPR_OP_ANY
            | Kind::AEXPR_OP_ALL
            | Kind::AEXPR_DISTINCT
            | Kind::AEXPR_NOT_DISTINCT
            | Kind::AEXPR_IN
            | Kind::AEXPR_LIKE
            | Kind::AEXPR_ILIKE
            | Kind::AEXPR_SIMILAR => match path(expr.name()) {
                Some(name) => named(operands, name),
                None => Expr::Opaque("an operator of unusual form"),
            },
            Kind::AEXPR_NULLIF => compute_with("nullif", &[], &["="], operands),
            Kind::AEXPR_BETWEEN
            | Kind::AEXPR_NOT_BETWEEN
            | Kind::AEXPR_BETWEEN_SYM
            | Kind::AEXPR_NOT_BETWEEN_SYM => {
                compute_with("", &[], &["<", "<=", ">", ">="], operands)
            }
            _ => Expr::Opaque("an operator of unusual form"),
        })
    }

    #[inline(never)]
    pub(super) fn call(&mut self, call: &nodes::FuncCall) -> Result<Expr> {
        let Some(name) = path(call.funcname()) else {
            return Ok(Expr::Opaque("a function name of unusual form"));
        };
        let args = self.exprs(call.args())?;
        let order = self.sorts(call.agg_order().iter())?;
        let filter = self.optional(call.agg_filter())?;
        let over = match call.over() {
            Some(window) => Some(self.window(window)?),
            None => None,
        };
        Ok(Expr::Call(Box::new(Call {
            name,
            args,
            star: call.agg_star,
            variadic: call.func_variadic,
            aggregate: call.agg_distinct
                || call.agg_within_group
                || !order.is_empty()
                || filter.is_some(),
            named: call
                .args()
                .iter()
                .any(|arg| matches!(arg, Node::NamedArgExpr(_))),
            order,
            filter,
            over,
            distinct: call.agg_distinct,
        })))
    }

    #[inline(never)]
    pub(super) fn junction(&mut self, expr: &nodes::BoolExpr) -> Result<Expr> {
        let mut terms = self.exprs(expr.args())?;
        Ok(match expr.boolop {
            BoolExprType::AND_EXPR | BoolExprType::OR_EXPR => Expr::Junction(Box::new(Junction {
                and: expr.boolop == BoolExprType::AND_EXPR,
                terms,
            })),
            BoolExprType::NOT_EXPR => match (terms.pop(), terms.is_empty()) {
                (Some(term), true) => Expr::Not(Box::new(term)),
                _ => Expr::Opaque("NOT of unusual form"),
            },
            _ => Expr::Opaque("a boolean expression of unusual form"),
        })
    }

    #[inline(never)]
    pub(super) fn cast(&mut self, cast: &nodes::TypeCast) -> Result<Expr> {
        let arg = self.expr(cast.arg())?;
        Ok(match cast.type_name().and_then(Self::type_name) {
            Some(target) => Expr::Cast(Box::new(Cast { arg, target })),
            None => Expr::Opaque("a cast of unusual form"),
        })
    }

    pub(super) fn type_name(name: &nodes::TypeName) -> Option<TypeName> {
        let path: Path = name
            .names()
            .iter()
            .map(|part| part.sval().unwrap_or_default().into())
            .collect();
        let mut modifiers = Vec::new();
        let mut odd_modifiers = false;
        for node in name.typmods() {
            match node {
                Node::A_Const(constant) => match constant.val() {
                    Some(ConstValue::Integer(value)) => modifiers.push(value),
                    _ => odd_modifiers = true,
                },
                _ => odd_modifiers = true,
            }
        }
        (!path.is_empty()).then_some(TypeName {
            path,
            modifiers,
            odd_modifiers,
            array: !name.array_bounds().is_empty(),
            of_column: name.pct_type,
        })
    }

    pub(super) fn type_names(names: &[Option<&nodes::TypeName>]) -> Vec<TypeName> {
        names
            .iter()
            .filter_map(|name| name.and_then(Self::type_name))
            .collect()
    }

    #[inline(never)]
    pub(super) fn sublink(&mut self, link: &nodes::SubLink) -> Result<Expr> {
        let kind = match link.sub_link_type {
            SubLinkType::EXISTS_SUBLINK => SubKind::Exists,
            SubLinkType::EXPR_SUBLINK => SubKind::Scalar,
            SubLinkType::ARRAY_SUBLINK => SubKind::Array,
            SubLinkType::ANY_SUBLINK | SubLinkType::ALL_SUBLINK => SubKind::Quantified,
            _ => return Ok(Expr::Opaque("a subselect of unusual form")),
        };
        let Some(mut operator) = path(link.oper_name()) else {
            return Ok(Expr::Opaque("an operator of unusual form"));
        };
        if kind == SubKind::Quantified && operator.is_empty() {
            operator = op("=");
        }
        Ok(Expr::Sub(Box::new(Sub {
            kind,
            test: self.optional(link.testexpr())?,
            operator,
            query: self.query(link.subselect())?,
        })))
    }

    #[inline(never)]
    pub(super) fn case(&mut self, case: &nodes::CaseExpr) -> Result<Expr> {
        let mut operands = self.present(&[case.arg()])?;
        let compares = !operands.is_empty();
        for branch in case.args() {
            let Node::CaseWhen(branch) = branch else {
                return Ok(Expr::Opaque("CASE of unusual form"));
            };
            operands.push(self.expr(branch.expr())?);
            operands.push(self.expr(branch.result())?);
        }
        let default = self.optional(case.defresult())?;
        let has_else = default.is_some();
        operands.extend(default);
        Ok(Expr::Compute(Box::new(Compute {
            name: "case",
            functions: &[],
            operators: if compares { &["="] } else { &[] },
            operands,
            types: Vec::new(),
            aggregate: false,
            has_else,
        })))
    }

    #[inline(never)]
    pub(super) fn part(&mut self, part: &nodes::A_Indirection) -> Result<Expr> {
        let arg = self.expr(part.arg())?;
        Ok(match self.steps(part.indirection())? {
            Some(steps) => Expr::Part(Box::new(Part { arg, steps })),
            None => Expr::Opaque("access to a part of unusual form"),
        })
    }

    pub(super) fn steps(&mut self, list: &NodeList) -> Result<Option<Vec<Step>>> {
        let mut steps = Vec::with_capacity(list.len());
        for node in list {
            steps.push(match node {
                Node::String(name) => Step::Field(name.sval().unwrap_or_default().into()),
                Node::A_Star(_) => Step::Star,
                Node::A_Indices(index) => {
                    Step::Subscript(self.present(&[index.lidx(), index.uidx()])?)
                }
                _ => return Ok(None),
            });
        }
        Ok(Some(steps))
    }

    /// The subscripts in the left side of an assignment, and whether it assigns to a part only.
    pub(super) fn subscripts(&mut self, list: &NodeList) -> Result<(Vec<Expr>, bool)> {
        let mut subscripts = Vec::new();
        match self.steps(list)? {
            Some(steps) => {
                for step in steps {
                    if let Step::Subscript(exprs) = step {
                        subscripts.extend(exprs);
                    }
                }
            }
            None => subscripts.push(Expr::Opaque("an assignment of unusual form")),
        }
        Ok((subscripts, !list.is_empty()))
    }

    #[inline(never)]
    pub(super) fn value_function(value: &nodes::SQLValueFunction) -> Expr {
        use nodes::SQLValueFunctionOp as Of;
        compute(
            match value.op {
                Of::SVFOP_CURRENT_DATE => "current_date",
                Of::SVFOP_CURRENT_TIME | Of::SVFOP_CURRENT_TIME_N => "current_time",
                Of::SVFOP_CURRENT_TIMESTAMP | Of::SVFOP_CURRENT_TIMESTAMP_N => "current_timestamp",
                Of::SVFOP_LOCALTIME | Of::SVFOP_LOCALTIME_N => "localtime",
                Of::SVFOP_LOCALTIMESTAMP | Of::SVFOP_LOCALTIMESTAMP_N => "localtimestamp",
                Of::SVFOP_CURRENT_ROLE => "current_role",
                Of::SVFOP_CURRENT_USER => "current_user",
                Of::SVFOP_USER => "user",
                Of::SVFOP_SESSION_USER => "session_user",
                Of::SVFOP_CURRENT_CATALOG => "current_catalog",
                Of::SVFOP_CURRENT_SCHEMA => "current_schema",
                _ => return Expr::Opaque("a value function of unusual form"),
            },
            Vec::new(),
        )
    }

    #[inline(never)]
    pub(super) fn min_max(&mut self, expr: &nodes::MinMaxExpr) -> Result<Expr> {
        let name = if expr.op == MinMaxOp::IS_GREATEST {
            "greatest"
        } else {
            "least"
        };
        Ok(compute(name, self.exprs(expr.args())?))
    }

    /// The output keeps the name of what is collated.
    #[inline(never)]
    pub(super) fn collate(&mut self, clause: &nodes::CollateClause) -> Result<Expr> {
        let arg = self.expr(clause.arg())?;
        Ok(compute("(argument)", vec![arg]))
    }

    #[inline(never)]
    pub(super) fn grouping_set(&mut self, set: &nodes::GroupingSet) -> Result<Expr> {
        Ok(match set.kind {
            GroupingSetKind::GROUPING_SET_EMPTY
            | GroupingSetKind::GROUPING_SET_ROLLUP
            | GroupingSetKind::GROUPING_SET_CUBE
            | GroupingSetKind::GROUPING_SET_SETS => {
                compute("(grouping set)", self.exprs(set.content())?)
            }
            _ => Expr::Opaque("a grouping set of unusual form"),
        })
    }

    pub(super) fn sorts<'a>(
        &mut self,
        list: impl Iterator<Item = &'a nodes::SortBy>,
    ) -> Result<Vec<Sort>> {
        let mut sorts = Vec::new();
        for sort in list {
            let place = match sort.node() {
                Node::A_Const(constant) => usize::try_from(constant.location).ok(),
                Node::ColumnRef(column) => usize::try_from(column.location).ok(),
                _ => None,
            };
            sorts.push(Sort {
                expr: self.expr(sort.node())?,
                place,
                using: names(sort.use_op()),
            });
        }
        Ok(sorts)
    }

    pub(super) fn window(&mut self, window: &nodes::WindowDef) -> Result<Window> {
        Ok(Window {
            named: window.name().or(window.refname()).map(Into::into),
            partition: self.exprs(window.partition_clause())?,
            order: self.sorts(window.order_clause().iter())?,
            frame: self.present(&[window.start_offset(), window.end_offset()])?,
            framed: window.frame_options & NONDEFAULT != 0,
        })
    }
}
