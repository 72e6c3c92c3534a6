using System.Globalization;

namespace PcieOe.Daemon.Configuration;

/// <summary>Sizes as people write them: "4096", "64KiB", "1 GiB". Binary units only, since those are what storage is cut in.</summary>
public static class ByteSize
{
    private static readonly string[] Units = ["KiB", "MiB", "GiB", "TiB"];

    public static bool TryParse(string text, out long bytes)
    {
        string digits = text.Trim();
        int shift = 0;
        for (int unit = 0; unit < Units.Length; unit++)
        {
            if (digits.EndsWith(Units[unit], StringComparison.OrdinalIgnoreCase))
            {
                shift = 10 * (unit + 1);
                digits = digits[..^3].TrimEnd();
                break;
            }
        }

        bool isNumber = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long value);
        bytes = isNumber && value <= long.MaxValue >> shift ? value << shift : 0;
        return isNumber && value <= long.MaxValue >> shift;
    }

    /// <summary>The shortest exact form: 268435456 is "256MiB".</summary>
    public static string Format(long bytes)
    {
        int unit = -1;
        long value = bytes;
        while (value != 0 && value % 1024 == 0 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit < 0 ? string.Create(CultureInfo.InvariantCulture, $"{value} bytes") : string.Create(CultureInfo.InvariantCulture, $"{value}{Units[unit]}");
    }
}
