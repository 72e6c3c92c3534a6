using Microsoft.Extensions.Configuration;

namespace PcieOe.Daemon.Configuration;

/// <summary>
/// Where a daemon's settings come from, later ones winning: a JSON file (comments allowed), environment variables that begin with
/// PCIEOE__ (two underscores for each step down), and key=value options with colons for each step down.
/// </summary>
public static class DaemonConfiguration
{
    public const string EnvironmentPrefix = "PCIEOE__";

    /// <summary>Null, and the problem, where the file cannot be read or is not JSON, or an override is not key=value.</summary>
    public static IConfigurationRoot? Load(string path, IReadOnlyList<string> overrides, out ConfigurationProblem? problem)
    {
        problem = null;
        Dictionary<string, string?> values = [];
        foreach (string text in overrides)
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                problem = new ConfigurationProblem("--set", $"'{text}' is not of the form key=value (polling=busy, functions:0:name=flash0).");
                return null;
            }

            values[text[..equals]] = text[(equals + 1)..];
        }

        string fullPath = Path.GetFullPath(path);
        if (!File.Exists(fullPath))
        {
            problem = new ConfigurationProblem(path, "there is no such file. Name the configuration with --config FILE; samples are in packaging/.");
            return null;
        }

        try
        {
            return new ConfigurationBuilder()
                .AddJsonFile(fullPath, optional: false, reloadOnChange: false)
                .AddEnvironmentVariables(EnvironmentPrefix)
                .AddInMemoryCollection(values)
                .Build();
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or IOException or UnauthorizedAccessException)
        {
            string reason = exception.GetBaseException().Message;
            problem = new ConfigurationProblem(path, $"cannot be read as JSON: {reason}");
            return null;
        }
    }
}
