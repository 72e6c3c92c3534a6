using System.Buffers.Binary;
using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Tests.Sessions;

/// <summary>Damages frames: bits, bytes, fields of the header, lengths.</summary>
internal static class Fuzz
{
    private const int CheckBytes = 4;

    /// <param name="fixCheck">Make the CRC-32C right again, as an attacker would.</param>
    public static WireFrame Mutate(WireFrame frame, Random random, bool fixCheck)
    {
        byte[] bytes = [.. frame.Bytes];
        switch (random.Next(6))
        {
            case 0:
                bytes = bytes[..random.Next(bytes.Length)];
                break;
            case 1:
                bytes = [.. bytes, .. new byte[random.Next(1, 100)]];
                break;
            case 2:
                bytes.AsSpan(random.Next(bytes.Length)).Fill((byte)random.Next(256));
                break;
            default:
                for (int i = random.Next(1, 5); i > 0; i--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }

                break;
        }

        if (fixCheck)
        {
            FixCheck(bytes);
        }

        return frame with { Bytes = bytes };
    }

    /// <summary>Length field and CRC-32C as a sender in the clear makes them.</summary>
    public static void FixCheck(byte[] bytes)
    {
        if (bytes.Length < FrameHeader.Length + CheckBytes)
        {
            return;
        }

        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)(bytes.Length - FrameHeader.Length));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(bytes.Length - CheckBytes), Crc32C.Compute(bytes.AsSpan(0, bytes.Length - CheckBytes)));
    }
}
