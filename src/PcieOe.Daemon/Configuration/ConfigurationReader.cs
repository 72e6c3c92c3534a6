using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace PcieOe.Daemon.Configuration;

/// <summary>
/// Reads one section of a configuration by hand, so that every mistake is found in one pass and named with its place: a value of the
/// wrong kind or out of range, one that is missing, and a key that nobody reads. A value in error yields its default, so reading goes on.
/// </summary>
public sealed partial class ConfigurationReader
{
    private readonly IConfiguration _section;
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<ConfigurationReader> _children = [];
    private readonly List<ConfigurationProblem> _problems;

    /// <param name="root">All settings.</param>
    /// <param name="folder">Where files are that settings name without a folder: that of the configuration file; null: the working directory.</param>
    public ConfigurationReader(IConfiguration root, string? folder = null)
        : this(root, string.Empty, folder ?? Directory.GetCurrentDirectory(), [])
    {
    }

    private ConfigurationReader(IConfiguration section, string place, string folder, List<ConfigurationProblem> problems)
    {
        _section = section;
        Place = place;
        Folder = folder;
        _problems = problems;
    }

    /// <summary>Where this section stands; empty for the root.</summary>
    public string Place { get; }

    /// <summary>What relative paths start from.</summary>
    public string Folder { get; }

    /// <summary>Every key that was asked for, this section's and those below, lists as <c>hosts[].name</c>.</summary>
    internal IEnumerable<string> KnownKeys =>
        _known.Select(key => $"{ListIndex().Replace(Place, "[]")}{(Place.Length == 0 ? "" : ".")}{key}").Concat(_children.SelectMany(child => child.KnownKeys));

    /// <summary>Whether the key is there, as a value or a section.</summary>
    public bool Has(string key)
    {
        _known.Add(key);
        return _section.GetSection(key).Exists();
    }

    /// <summary>A text, or null where there is none.</summary>
    public string? Text(string key)
    {
        _known.Add(key);
        IConfigurationSection section = _section.GetSection(key);
        if (section.Value is null && section.GetChildren().Any())
        {
            Report(key, "is a list or an object, where a single value belongs.");
        }

        return string.IsNullOrEmpty(section.Value) ? null : section.Value;
    }

    /// <summary>A text that has to be there; empty (and a problem) where it is not.</summary>
    /// <param name="explanation">What belongs there: "the interface to use, as in `ip link`".</param>
    public string RequiredText(string key, string explanation)
    {
        string? text = Text(key);
        if (text is null)
        {
            Report(key, $"is missing: {explanation}.");
        }

        return text ?? string.Empty;
    }

    public bool Flag(string key, bool otherwise)
    {
        string? text = Text(key);
        if (text is null)
        {
            return otherwise;
        }

        if (bool.TryParse(text, out bool value))
        {
            return value;
        }

        Report(key, $"is '{text}', where true or false belongs.");
        return otherwise;
    }

    /// <summary>A whole number; hexadecimal with 0x in front.</summary>
    public long Integer(string key, long otherwise, long minimum, long maximum)
    {
        string? text = Text(key);
        if (text is null)
        {
            return otherwise;
        }

        bool isHexadecimal = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isNumber = isHexadecimal
            ? long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long value)
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
        if (isNumber && value >= minimum && value <= maximum)
        {
            return value;
        }

        Report(key, $"is '{text}', where a whole number from {minimum} to {maximum} belongs.");
        return otherwise;
    }

    public double Number(string key, double otherwise, double minimum, double maximum)
    {
        string? text = Text(key);
        if (text is null)
        {
            return otherwise;
        }

        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= minimum && value <= maximum)
        {
            return value;
        }

        Report(key, string.Create(CultureInfo.InvariantCulture, $"is '{text}', where a number from {minimum} to {maximum} belongs."));
        return otherwise;
    }

    /// <summary>A size in bytes: a whole number, or one with KiB, MiB, GiB or TiB behind it.</summary>
    public long Bytes(string key, long otherwise, long minimum, long maximum)
    {
        string? text = Text(key);
        if (text is null)
        {
            return otherwise;
        }

        if (!ByteSize.TryParse(text, out long value))
        {
            Report(key, $"is '{text}', where a size such as \"256MiB\" or a number of bytes belongs.");
            return otherwise;
        }

        if (value < minimum || value > maximum)
        {
            Report(key, $"is {text}, which is out of range: {ByteSize.Format(minimum)} to {ByteSize.Format(maximum)}.");
            return otherwise;
        }

        return value;
    }

    /// <summary>One of an enumeration's names, in camel case.</summary>
    public T Choice<T>(string key, T otherwise)
        where T : struct, Enum
    {
        string? text = Text(key);
        if (text is null)
        {
            return otherwise;
        }

        if (!char.IsAsciiDigit(text[0]) && Enum.TryParse(text, ignoreCase: true, out T value) && Enum.IsDefined(value))
        {
            return value;
        }

        string names = string.Join(", ", Enum.GetNames<T>().Select(name => char.ToLowerInvariant(name[0]) + name[1..]));
        Report(key, $"is '{text}', where one of these belongs: {names}.");
        return otherwise;
    }

    /// <summary>A section of its own; one without keys where it is absent.</summary>
    public ConfigurationReader Section(string key)
    {
        _known.Add(key);
        IConfigurationSection section = _section.GetSection(key);
        if (!string.IsNullOrEmpty(section.Value))
        {
            Report(key, $"is '{section.Value}', where an object {{ ... }} belongs.");
        }

        return Child(section, Join(key));
    }

    /// <summary>The members of a list of objects, in their order.</summary>
    public IReadOnlyList<ConfigurationReader> List(string key)
    {
        _known.Add(key);
        IConfigurationSection section = _section.GetSection(key);
        if (!string.IsNullOrEmpty(section.Value))
        {
            Report(key, $"is '{section.Value}', where a list [ ... ] belongs.");
            return [];
        }

        List<ConfigurationReader> members = [];
        foreach (IConfigurationSection member in section.GetChildren())
        {
            string place = Join(key) + $"[{member.Key}]";
            if (!int.TryParse(member.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                Report(key, "is an object, where a list [ ... ] belongs.");
                return [];
            }

            if (!string.IsNullOrEmpty(member.Value))
            {
                _problems.Add(new ConfigurationProblem(place, $"is '{member.Value}', where an object {{ ... }} belongs."));
                continue;
            }

            members.Add(Child(member, place));
        }

        return members;
    }

    /// <summary>The members of a list of texts, in their order.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        _known.Add(key);
        List<string> texts = [];
        IConfigurationSection section = _section.GetSection(key);
        if (!string.IsNullOrEmpty(section.Value))
        {
            Report(key, $"is '{section.Value}', where a list of texts [ \"...\" ] belongs.");
        }

        foreach (IConfigurationSection member in section.GetChildren())
        {
            if (string.IsNullOrEmpty(member.Value))
            {
                Report($"{key}[{member.Key}]", "is empty, where a text belongs.");
            }
            else
            {
                texts.Add(member.Value);
            }
        }

        return texts;
    }

    /// <summary>Adds a problem at a key of this section; an empty key means the section itself.</summary>
    public void Report(string key, string message) => _problems.Add(new ConfigurationProblem(Join(key), message));

    /// <summary>All problems of the whole configuration, unknown keys included. Call on the root, after everything was read.</summary>
    public IReadOnlyList<ConfigurationProblem> Finish()
    {
        ReportUnknownKeys();
        return _problems;
    }

    private ConfigurationReader Child(IConfigurationSection section, string place)
    {
        ConfigurationReader child = new(section, place, Folder, _problems);
        _children.Add(child);
        return child;
    }

    private void ReportUnknownKeys()
    {
        foreach (IConfigurationSection child in _section.GetChildren())
        {
            if (!_known.Contains(child.Key))
            {
                string? near = _known.MinBy(known => EditDistance.Between(known, child.Key));
                string hint = near is not null && EditDistance.Between(near, child.Key) <= 2
                    ? $"Did you mean '{near}'?"
                    : $"Known here: {string.Join(", ", _known.Order(StringComparer.Ordinal))}.";
                Report(child.Key, $"is not a setting. {hint}");
            }
        }

        foreach (ConfigurationReader child in _children)
        {
            child.ReportUnknownKeys();
        }
    }

    [GeneratedRegex(@"\[\d+\]")]
    private static partial Regex ListIndex();

    private string Join(string key) => key.Length == 0 ? Place : Place.Length == 0 ? key : $"{Place}.{key}";
}
