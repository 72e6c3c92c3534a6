using System.Buffers.Binary;
using System.IO.Compression;

namespace PcieOe.Transport.Histograms;

/// <summary>
/// HdrHistogram's encoding V2: a header and the counts as ZigZag LEB128 numbers in which a negative one says how many empty buckets
/// follow; compressed with zlib, and in base64 in interval logs.
/// </summary>
public static class HistogramEncoding
{
    private const int EncodingCookie = 0x1c849303 | 0x10;
    private const int CompressedCookie = 0x1c849304 | 0x10;
    private const int HeaderBytes = 40;

    /// <summary>The compressed form: cookie and length, big-endian, then a zlib stream.</summary>
    public static string ToText(LatencyHistogram histogram) => Convert.ToBase64String(EncodeCompressed(histogram));

    public static byte[] EncodeCompressed(LatencyHistogram histogram)
    {
        using MemoryStream compressed = new();
        compressed.Write(stackalloc byte[8]);
        using (ZLibStream zlib = new(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(Encode(histogram));
        }

        byte[] result = compressed.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(result, CompressedCookie);
        BinaryPrimitives.WriteInt32BigEndian(result.AsSpan(4), result.Length - 8);
        return result;
    }

    /// <summary>Reads what <see cref="EncodeCompressed"/> wrote.</summary>
    /// <exception cref="InvalidDataException">Not such an encoding, or one of other bounds.</exception>
    public static LatencyHistogram DecodeCompressed(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length < 8 || BinaryPrimitives.ReadInt32BigEndian(encoded) != CompressedCookie)
        {
            throw new InvalidDataException("This is not a compressed histogram of encoding V2.");
        }

        using ZLibStream zlib = new(new MemoryStream(encoded[8..].ToArray()), CompressionMode.Decompress);
        using MemoryStream plain = new();
        zlib.CopyTo(plain);
        return Decode(plain.ToArray());
    }

    private static byte[] Encode(LatencyHistogram histogram)
    {
        using MemoryStream stream = new();
        stream.Write(stackalloc byte[HeaderBytes]);
        int last = histogram.Count == 0 ? -1 : LatencyHistogram.IndexOf(histogram.Maximum);
        for (int index = 0; index <= last;)
        {
            long count = histogram.CountAt(index);
            int run = 1;
            if (count == 0)
            {
                while (index + run <= last && histogram.CountAt(index + run) == 0)
                {
                    run++;
                }

                count = -run;
            }

            WriteZigZag(stream, count);
            index += run;
        }

        byte[] result = stream.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(result, EncodingCookie);
        BinaryPrimitives.WriteInt32BigEndian(result.AsSpan(4), result.Length - HeaderBytes);
        BinaryPrimitives.WriteInt32BigEndian(result.AsSpan(12), LatencyHistogram.SignificantDigits);
        BinaryPrimitives.WriteInt64BigEndian(result.AsSpan(16), 1);
        BinaryPrimitives.WriteInt64BigEndian(result.AsSpan(24), LatencyHistogram.HighestTrackableNanoseconds);
        BinaryPrimitives.WriteDoubleBigEndian(result.AsSpan(32), 1.0);
        return result;
    }

    private static LatencyHistogram Decode(ReadOnlySpan<byte> plain)
    {
        if (plain.Length < HeaderBytes || BinaryPrimitives.ReadInt32BigEndian(plain) != EncodingCookie
            || BinaryPrimitives.ReadInt32BigEndian(plain[12..]) != LatencyHistogram.SignificantDigits
            || BinaryPrimitives.ReadInt64BigEndian(plain[16..]) != 1)
        {
            throw new InvalidDataException("The histogram's bounds are not those of a latency histogram (1 ns, 3 digits).");
        }

        LatencyHistogram histogram = new();
        ReadOnlySpan<byte> rest = plain[HeaderBytes..];
        int index = 0;
        while (!rest.IsEmpty)
        {
            long count = ReadZigZag(ref rest);
            if (count < 0)
            {
                index = (int)Math.Min(LatencyHistogram.BucketCount, index - Math.Max(count, -LatencyHistogram.BucketCount));
                continue;
            }

            if (index >= LatencyHistogram.BucketCount)
            {
                throw new InvalidDataException("The histogram has more buckets than fit an hour.");
            }

            if (count > 0)
            {
                histogram.Record(LatencyHistogram.HighestEquivalent(index), count);
            }

            index++;
        }

        return histogram;
    }

    private static void WriteZigZag(MemoryStream stream, long value)
    {
        ulong rest = (ulong)(value << 1 ^ value >> 63);
        for (int bytes = 1; bytes < 9 && rest > 0x7F; bytes++)
        {
            stream.WriteByte((byte)(rest | 0x80));
            rest >>= 7;
        }

        // The ninth byte carries eight bits, so that 64 fit.
        stream.WriteByte((byte)rest);
    }

    private static long ReadZigZag(ref ReadOnlySpan<byte> source)
    {
        ulong value = 0;
        for (int index = 0, shift = 0; ; index++, shift += 7)
        {
            if (index >= source.Length)
            {
                throw new InvalidDataException("The histogram ends within a number.");
            }

            byte octet = source[index];
            if (index == 8)
            {
                value |= (ulong)octet << shift;
            }
            else
            {
                value |= (ulong)(octet & 0x7F) << shift;
            }

            if (octet < 0x80 || index == 8)
            {
                source = source[(index + 1)..];
                return (long)(value >> 1) ^ -(long)(value & 1);
            }
        }
    }
}
