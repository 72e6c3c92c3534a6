using System.CommandLine;
using System.Globalization;
using PcieOe.Daemon.Configuration;
using PcieOe.Protocol.Frames;
using PcieOe.Transport.SharpPcap;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe decode FILE</c>: the frames of a capture, one a line. Only where SharpPcap is built in; Wireshark's dissector shows more.</summary>
internal static class DecodeCommand
{
    internal static Command Create()
    {
        Argument<FileInfo> file = new("FILE") { Description = "A capture: pcap or pcapng, such as a daemon's captureFile." };
        Option<int?> etherType = CommonOptions.EtherType();
        TaughtCommand command = new("decode", "Lists the frames of a capture.", """
            Example:
              pcieoe decode target.pcapng
            """)
        {
            file, etherType,
        };
        command.SetAction(parsed =>
        {
            int wanted = parsed.GetValue(etherType) ?? PortSettings.DefaultEtherType;
            long frames = 0, others = 0;
            foreach (CapturedFrame frame in CaptureReader.Read(parsed.GetValue(file)!.FullName))
            {
                if (frame.Header.EtherType != wanted || !FrameView.TryParse(frame.Payload, out FrameView view))
                {
                    others++;
                    continue;
                }

                frames++;
                FrameHeader header = view.Header;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{frame.Time:HH:mm:ss.ffffff} {frame.Header.Source} > {frame.Header.Destination} {header.Type} session {header.SessionId:x8} frame {header.FrameNumber} body {header.BodyLength} bytes"));
            }

            Console.WriteLine($"{frames} frames, {others} others");
            return ExitCode.Success;
        });
        return command;
    }
}
