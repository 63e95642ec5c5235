"""Exports judged by other people's validators; JSON-stat's validator, the SDMX library, a SHACL engine."""

import io
import json

import jsonstat_validator
import pyshacl
import pytest
import sdmx
import sdmx.model.v30 as model

from analytics.indicators.exports.sdmx_csv import HEADER
from analytics.indicators.formats import export
from tests.indicators.test_exports import published


@pytest.fixture(scope="module")
def made():
    return published()


def test_json_stat_validator(made):
    assert jsonstat_validator.validate_jsonstat(json.loads(export(made, "json_stat")))


def test_sdmx_reader_finds_every_observation(made):
    structure = model.DataStructureDefinition(id="DSD", maintainer=model.Agency(id="TESTBY"))
    dimensions = ("FREQ", "REPORTING_TYPE", "INDICATOR", "REF_AREA", "TIME_PERIOD")
    for name in dimensions:
        structure.dimensions.append(model.Dimension(id=name))
    structure.measures.append(model.Measure(id="OBS_VALUE"))
    for name in HEADER[HEADER.index("OBS_VALUE") + 1 :]:
        structure.attributes.append(model.DataAttribute(id=name, related_to=model.ObservationRelationship()))
    flow = model.Dataflow(id="DF_WATER_INDICATORS", maintainer=model.Agency(id="TESTBY"), version="1.0", structure=structure)
    message = sdmx.read_sdmx(io.BytesIO(export(made, "sdmx_csv")), format="CSV", structure=flow)
    assert sum(len(d.obs) for d in message.data) == len(made.values)


def test_dcat_against_shapes(made):
    """The mandatory properties of DCAT-AP-NO 3 as SHACL shapes, run by a SHACL engine."""
    conforms, _, text = pyshacl.validate(export(made, "dcat_turtle").decode(), shacl_graph=SHAPES, data_graph_format="turtle",
                                         shacl_graph_format="turtle")  # fmt: skip
    assert conforms, text


SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<urn:dataset> a sh:NodeShape ; sh:targetClass dcat:Dataset ;
  sh:property [ sh:path dct:title ; sh:minCount 1 ; sh:uniqueLang true ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:description ; sh:minCount 1 ; sh:uniqueLang true ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:publisher ; sh:minCount 1 ; sh:maxCount 1 ; sh:class foaf:Agent ] ,
    [ sh:path dcat:contactPoint ; sh:minCount 1 ; sh:class vcard:Organization ] ,
    [ sh:path dcat:theme ; sh:minCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path dcat:distribution ; sh:class dcat:Distribution ] ,
    [ sh:path dct:temporal ; sh:class dct:PeriodOfTime ] .
<urn:distribution> a sh:NodeShape ; sh:targetClass dcat:Distribution ;
  sh:property [ sh:path dcat:accessURL ; sh:minCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path dct:license ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] .
<urn:catalog> a sh:NodeShape ; sh:targetClass dcat:Catalog ;
  sh:property [ sh:path dct:title ; sh:minCount 1 ] , [ sh:path dct:description ; sh:minCount 1 ] ,
    [ sh:path dct:publisher ; sh:minCount 1 ; sh:class foaf:Agent ] , [ sh:path dcat:dataset ; sh:minCount 1 ; sh:class dcat:Dataset ] .
<urn:period> a sh:NodeShape ; sh:targetClass dct:PeriodOfTime ; sh:property [ sh:path dcat:startDate ; sh:datatype xsd:date ] .
"""
