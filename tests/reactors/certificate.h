// A self-signed certificate for a host name, made for one test run.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string>

namespace taskledger::reactors {

struct TestCertificate {
  std::string certificate, key;  // PEM
};

inline std::string read_bio(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

enum class NamedIn { alternative_names, subject };  // where the host's name stands; the latter is of old

// `valid_days` may be negative: expired.
inline TestCertificate make_certificate(const std::string& host, int valid_days = 1,
                                        NamedIn where = NamedIn::alternative_names) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60L * 60 * 24 * 30);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 60L * 60 * 24 * valid_days);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  const std::string common_name = where == NamedIn::subject ? host : "test";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(certificate, name);
  if (where == NamedIn::alternative_names) {
    const std::string names = "DNS:" + host;
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate, key, EVP_sha256());
  TestCertificate out;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  out.certificate = read_bio(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  out.key = read_bio(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

}  // namespace taskledger::reactors
