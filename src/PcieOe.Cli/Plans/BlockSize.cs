using PcieOe.Daemon.Configuration;

namespace PcieOe.Cli.Plans;

/// <summary>Sizes of blocks as fio has them ("4k", "1m", "4096"), or as the configuration has ("64KiB").</summary>
internal static class BlockSize
{
    internal static bool TryParse(string text, out long bytes)
    {
        int shift = text.Length == 0 ? 0 : char.ToLowerInvariant(text[^1]) switch { 'k' => 10, 'm' => 20, _ => 0 };
        bool isNumber = ByteSize.TryParse(shift == 0 ? text : text[..^1], out bytes) && bytes <= long.MaxValue >> shift;
        bytes <<= isNumber ? shift : 0;
        return isNumber;
    }
}
